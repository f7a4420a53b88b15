package images

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"

	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"
	crierrors "k8s.io/cri-api/pkg/errors"
)

// pull brings an image into the store and returns its ID.
func (s *Service) pull(ctx context.Context, ref reference) (string, error) {
	if ref.digest != "" {
		if found, ok := s.store.find(ref.String()); ok {
			return found.ID, nil
		}
	}
	registry := ref.repository.RegistryStr()
	mirror, ok := s.options.Mirrors[registry]
	if !ok {
		return "", fmt.Errorf("%s: this node does not know the registry %s", ref, registry)
	}
	id, err := s.pullFrom(ctx, mirror, ref)
	if err != nil {
		return "", explain(err, ref, fmt.Sprintf("%s (at %s)", registry, mirror))
	}
	return id, nil
}

func (s *Service) pullFrom(ctx context.Context, mirror string, ref reference) (string, error) {
	location, err := ref.at(mirror)
	if err != nil {
		return "", err
	}
	platform := v1.Platform{OS: "linux", Architecture: runtime.GOARCH}
	descriptor, err := remote.Get(location,
		remote.WithContext(ctx),
		remote.WithPlatform(platform),
		// The kubelet tries again by itself, with a back-off that people know.
		remote.WithRetryBackoff(remote.Backoff{Steps: 1}),
	)
	if err != nil {
		return "", err
	}
	pulled, err := descriptor.Image()
	if err != nil {
		return "", err
	}
	id, err := pulled.ConfigName()
	if err != nil {
		return "", err
	}
	config, err := pulled.ConfigFile()
	if err != nil {
		return "", err
	}
	if config.Architecture != "" && !config.Platform().Satisfies(platform) {
		return "", fmt.Errorf("the image is for %s, and this node is %s", config.Platform(), platform)
	}
	layers, err := pulled.Layers()
	if err != nil {
		return "", err
	}
	if len(layers) != len(config.RootFS.DiffIDs) {
		return "", fmt.Errorf("the manifest has %d layers and the configuration %d", len(layers), len(config.RootFS.DiffIDs))
	}

	added := image{ID: id.String(), Config: config.Config}
	group, _ := errgroup.WithContext(ctx)
	for index, layer := range layers {
		diffID := config.RootFS.DiffIDs[index].String()
		added.Layers = append(added.Layers, diffID)
		group.Go(func() error { return s.addLayer(layer, diffID) })
	}
	if err := group.Wait(); err != nil {
		return "", err
	}
	for _, diffID := range added.Layers {
		bytes, _, err := usageOf(s.store.layerFolder(diffID))
		if err != nil {
			return "", err
		}
		added.Size += int64(bytes)
	}
	name := ref
	if name.digest == "" {
		// The image can be found by its digest as well.
		byDigest := reference{repository: ref.repository, digest: descriptor.Digest.String()}
		if err := s.store.addImage(added, byDigest.String()); err != nil {
			return "", err
		}
	}
	return added.ID, s.store.addImage(added, name.String())
}

// addLayer fetches and unpacks a layer unless it is here. Images that are pulled at the same time share it.
func (s *Service) addLayer(layer v1.Layer, diffID string) error {
	digest, err := layer.Digest()
	if err != nil {
		return err
	}
	_, err, _ = s.flights.Do(diffID, func() (any, error) {
		if s.store.hasLayer(diffID) {
			return nil, nil
		}
		return nil, s.fetchLayer(layer, diffID)
	})
	if err != nil {
		return fmt.Errorf("layer %s: %w", digest, err)
	}
	return nil
}

func (s *Service) fetchLayer(layer v1.Layer, diffID string) error {
	mediaType, err := layer.MediaType()
	if err != nil {
		return err
	}
	// It verifies size and digest when it reaches the end.
	content, err := layer.Compressed()
	if err != nil {
		return err
	}
	defer content.Close()
	storeError := s.unpackLayer(content, mediaType, diffID)
	// Damaged content matters more than the fault that it made the archive have.
	if _, err := io.Copy(io.Discard, content); err != nil {
		return err
	}
	return storeError
}

func (s *Service) unpackLayer(content io.Reader, mediaType types.MediaType, diffID string) error {
	switch mediaType {
	case types.OCIUncompressedLayer, types.DockerUncompressedLayer:
		return s.store.addLayer(diffID, content)
	case types.OCILayer, types.DockerLayer:
		uncompressed, err := gzip.NewReader(content)
		if err != nil {
			return err
		}
		return s.store.addLayer(diffID, uncompressed)
	case types.OCILayerZStd:
		uncompressed, err := zstd.NewReader(content)
		if err != nil {
			return err
		}
		defer uncompressed.Close()
		return s.store.addLayer(diffID, uncompressed)
	default:
		return fmt.Errorf("this node does not unpack the media type %q", mediaType)
	}
}

func explain(err error, ref reference, registry string) error {
	var answer *transport.Error
	var network *net.OpError
	switch {
	case errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%s: not found in the registry %s", ref, registry)
	case errors.As(err, &network):
		return fmt.Errorf("%w: %s: the registry %s: %w", crierrors.ErrRegistryUnavailable, ref, registry, err)
	default:
		return fmt.Errorf("%s: from the registry %s: %w", ref, registry, err)
	}
}
