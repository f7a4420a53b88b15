// Package images is the image service of a node whose containers are processes: it pulls images from registries by plain
// HTTP, verifies every digest, and unpacks them into folders. It implements the CRI's ImageManagerService for the kubelet,
// and gives the container runtime an image's root file system and configuration.
package images

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/singleflight"
	internalapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Options of New.
type Options struct {
	// Folder holds the unpacked images; no other service may use it.
	Folder string
	// Mirrors gives host:port for each registry that images may come from. A registry that is not here is refused.
	Mirrors map[string]string
	// InUse says whether a container uses the image with this ID; RemoveImage then refuses. May be nil.
	InUse func(id string) bool
}

// Service pulls and keeps images.
type Service struct {
	options Options
	store   *store
	flights singleflight.Group
	// Pulls hold it for reading, a removal for writing: it must not take a layer that a pull relies on.
	pulls sync.RWMutex
}

var _ internalapi.ImageManagerService = (*Service)(nil)

// New opens the folder and removes what an interrupted pull left there.
func New(options Options) (*Service, error) {
	opened, err := openStore(options.Folder)
	if err != nil {
		return nil, fmt.Errorf("images in %s: %w", options.Folder, err)
	}
	return &Service{options: options, store: opened}, nil
}

// RootFilesystem gives the unpacked root file system of an image and its configuration.
//
// image is an ID, as PullImage returns it, or any name that the image was pulled by. The folder stays until RemoveImage.
// Its files are hard links, shared with other images, and read-only.
func (s *Service) RootFilesystem(image string) (folder string, config v1.Config, err error) {
	found, ok := s.store.find(image)
	if !ok {
		return "", v1.Config{}, fmt.Errorf("image %q was not pulled to this node", image)
	}
	return s.store.rootFilesystem(found.ID), found.Config, nil
}

// PullImage pulls an image and returns its ID. Concurrent pulls of one image share the work, which goes on when the
// context ends. An image by digest that is here already is not asked for again.
func (s *Service) PullImage(ctx context.Context, spec *runtimeapi.ImageSpec, _ *runtimeapi.AuthConfig, _ *runtimeapi.PodSandboxConfig) (string, error) {
	ref, err := parseReference(spec.GetImage())
	if err != nil {
		return "", err
	}
	result := s.flights.DoChan(ref.String(), func() (any, error) {
		s.pulls.RLock()
		defer s.pulls.RUnlock()
		return s.pull(context.WithoutCancel(ctx), ref)
	})
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case pulled := <-result:
		if pulled.Err != nil {
			return "", pulled.Err
		}
		return pulled.Val.(string), nil
	}
}

// ImageStatus gives an image by its ID or a name that it was pulled by; no image where there is none.
func (s *Service) ImageStatus(_ context.Context, spec *runtimeapi.ImageSpec, _ bool) (*runtimeapi.ImageStatusResponse, error) {
	found, ok := s.store.find(spec.GetImage())
	if !ok {
		return &runtimeapi.ImageStatusResponse{}, nil
	}
	return &runtimeapi.ImageStatusResponse{Image: describe(found)}, nil
}

// ListImages gives all images, or the one that the filter names.
func (s *Service) ListImages(_ context.Context, filter *runtimeapi.ImageFilter) ([]*runtimeapi.Image, error) {
	listed := s.store.list()
	if name := filter.GetImage().GetImage(); name != "" {
		listed = nil
		if found, ok := s.store.find(name); ok {
			listed = append(listed, found)
		}
	}
	described := make([]*runtimeapi.Image, 0, len(listed))
	for _, each := range listed {
		described = append(described, describe(each))
	}
	return described, nil
}

// RemoveImage removes an image under all of its names; one that is not here is no error, as the CRI demands.
func (s *Service) RemoveImage(_ context.Context, spec *runtimeapi.ImageSpec) error {
	s.pulls.Lock()
	defer s.pulls.Unlock()
	found, ok := s.store.find(spec.GetImage())
	if !ok {
		return nil
	}
	if s.options.InUse != nil && s.options.InUse(found.ID) {
		return fmt.Errorf("image %q is in use by a container", spec.GetImage())
	}
	return s.store.remove(found)
}

// ImageFsInfo gives what all images take on the file system of the folder.
func (s *Service) ImageFsInfo(context.Context) (*runtimeapi.ImageFsInfoResponse, error) {
	bytes, inodes, err := s.store.usage()
	if err != nil {
		return nil, err
	}
	usage := []*runtimeapi.FilesystemUsage{{
		Timestamp:  time.Now().UnixNano(),
		FsId:       &runtimeapi.FilesystemIdentifier{Mountpoint: s.options.Folder},
		UsedBytes:  &runtimeapi.UInt64Value{Value: bytes},
		InodesUsed: &runtimeapi.UInt64Value{Value: inodes},
	}}
	return &runtimeapi.ImageFsInfoResponse{ImageFilesystems: usage, ContainerFilesystems: usage}, nil
}

// Close does nothing: no connection stays open.
func (s *Service) Close(context.Context) error { return nil }

func describe(described image) *runtimeapi.Image {
	answer := &runtimeapi.Image{
		Id:   described.ID,
		Size: uint64(described.Size),
		Spec: &runtimeapi.ImageSpec{Image: described.ID},
	}
	for _, name := range described.References {
		if strings.Contains(name, "@") {
			answer.RepoDigests = append(answer.RepoDigests, name)
		} else {
			answer.RepoTags = append(answer.RepoTags, name)
		}
	}
	// With a number the kubelet can tell whether it is root (runAsNonRoot).
	user, _, _ := strings.Cut(described.Config.User, ":")
	if uid, err := strconv.ParseInt(user, 10, 64); err == nil {
		answer.Uid = &runtimeapi.Int64Value{Value: uid}
	} else {
		answer.Username = user
	}
	return answer
}
