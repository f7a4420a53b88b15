package runtime

import (
	"context"
	"path/filepath"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// state follows from what is known; the caller holds the mutex.
func (c *container) state() runtimeapi.ContainerState {
	switch {
	case c.exit != nil:
		return runtimeapi.ContainerState_CONTAINER_EXITED
	case c.start != nil:
		return runtimeapi.ContainerState_CONTAINER_RUNNING
	}
	return runtimeapi.ContainerState_CONTAINER_CREATED
}

// ListContainers lists the newest first.
func (s *Service) ListContainers(_ context.Context, filter *runtimeapi.ContainerFilter) ([]*runtimeapi.Container, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var list []*runtimeapi.Container
	for _, c := range s.containers {
		if filter.GetId() != "" && filter.GetId() != c.id ||
			filter.GetPodSandboxId() != "" && filter.GetPodSandboxId() != c.sandbox.id ||
			filter.GetState() != nil && filter.GetState().GetState() != c.state() ||
			!selects(filter.GetLabelSelector(), c.config.GetLabels()) {
			continue
		}
		image := c.config.GetImage()
		list = append(list, &runtimeapi.Container{
			Id: c.id, PodSandboxId: c.sandbox.id, Metadata: c.config.GetMetadata(), Image: image,
			ImageRef: image.GetImage(), ImageId: image.GetImage(), State: c.state(), CreatedAt: c.createdAt,
			Labels: c.config.GetLabels(), Annotations: c.config.GetAnnotations(),
		})
	}
	slices.SortFunc(list, func(a, b *runtimeapi.Container) int { return int(b.CreatedAt - a.CreatedAt) })
	return list, nil
}

// ContainerStatus gives a container that was not removed, however long ago it ended.
func (s *Service) ContainerStatus(_ context.Context, id string, _ bool) (*runtimeapi.ContainerStatusResponse, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	c, found := s.containers[id]
	if !found {
		return nil, status.Errorf(codes.NotFound, "container %s: not found", id)
	}
	return &runtimeapi.ContainerStatusResponse{Status: c.status()}, nil
}

func (c *container) status() *runtimeapi.ContainerStatus {
	image := c.config.GetImage()
	result := &runtimeapi.ContainerStatus{
		Id: c.id, Metadata: c.config.GetMetadata(), State: c.state(), CreatedAt: c.createdAt,
		// The image as the pod names it, and the reference that was resolved to.
		Image:    &runtimeapi.ImageSpec{Image: image.GetUserSpecifiedImage(), UserSpecifiedImage: image.GetUserSpecifiedImage()},
		ImageRef: image.GetImage(), ImageId: image.GetImage(),
		Labels: c.config.GetLabels(), Annotations: c.config.GetAnnotations(), Mounts: c.config.GetMounts(),
		LogPath:    filepath.Join(c.sandbox.config.GetLogDirectory(), c.config.GetLogPath()),
		Resources:  &runtimeapi.ContainerResources{Linux: c.resources},
		StopSignal: c.config.GetStopSignal(),
	}
	if c.start != nil {
		result.StartedAt = c.start.StartedAt.UnixNano()
	}
	if c.exit != nil {
		result.FinishedAt = c.exit.FinishedAt.UnixNano()
		result.ExitCode = int32(c.exit.Code)
		result.Reason, result.Message = c.exit.Reason, c.exit.Message
	}
	return result
}

// statusesOf gives the containers of a sandbox, the newest first; the caller holds the mutex.
func (s *Service) statusesOf(sb *sandbox) []*runtimeapi.ContainerStatus {
	var list []*runtimeapi.ContainerStatus
	for _, c := range s.containersOf(sb) {
		list = append(list, c.status())
	}
	slices.SortFunc(list, func(a, b *runtimeapi.ContainerStatus) int { return int(b.CreatedAt - a.CreatedAt) })
	return list
}
