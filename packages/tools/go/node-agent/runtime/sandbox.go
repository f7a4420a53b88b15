package runtime

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"gitops-platform/tools/node-agent/shim/record"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// sandbox is what a pod's containers share: here, an address.
type sandbox struct {
	id        string
	folder    string
	config    *runtimeapi.PodSandboxConfig
	handler   string
	address   netip.Addr
	createdAt int64

	// The rest is guarded by Service.mutex. A sandbox that is stopping takes no new container, but keeps its address.
	ready, stopping bool
}

// RunPodSandbox gives a pod an address. A second sandbox for the same attempt of a pod is refused.
func (s *Service) RunPodSandbox(_ context.Context, config *runtimeapi.PodSandboxConfig, handler string) (string, error) {
	if handler != "" {
		return "", status.Errorf(codes.InvalidArgument, "runtimeClassName: unknown runtime handler %q on this node", handler)
	}
	if err := refuseSandbox(config); err != nil {
		return "", err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, other := range s.sandboxes {
		if sameAttempt(other.config.GetMetadata(), config.GetMetadata()) {
			return "", status.Errorf(codes.AlreadyExists, "the pod's attempt %d has sandbox %s", config.GetMetadata().GetAttempt(), other.id)
		}
	}
	address, err := s.addresses.take()
	if err != nil {
		return "", status.Error(codes.ResourceExhausted, err.Error())
	}
	sb := &sandbox{id: newID(), config: config, handler: handler, address: address, createdAt: time.Now().UnixNano(), ready: true}
	if err := s.createSandbox(sb); err != nil {
		s.addresses.release(address)
		return "", err
	}
	s.sandboxes[sb.id] = sb
	s.publish(sb, sb.id, runtimeapi.ContainerEventType_CONTAINER_CREATED_EVENT)
	s.publish(sb, sb.id, runtimeapi.ContainerEventType_CONTAINER_STARTED_EVENT)
	return sb.id, nil
}

func sameAttempt(a, b *runtimeapi.PodSandboxMetadata) bool {
	return a.GetUid() == b.GetUid() && a.GetAttempt() == b.GetAttempt()
}

func (s *Service) createSandbox(sb *sandbox) error {
	value, err := sb.record()
	if err != nil {
		return err
	}
	sb.folder, err = createFolder(filepath.Join(s.options.StateDir, sandboxesFolder), sb.id, value)
	return err
}

func (sb *sandbox) record() (sandboxRecord, error) {
	config, err := marshal(sb.config)
	return sandboxRecord{
		Config: config, Handler: sb.handler, Address: sb.address.String(), CreatedAt: sb.createdAt, Ready: sb.ready,
	}, err
}

// StopPodSandbox kills what still runs in the sandbox, then gives up its address.
func (s *Service) StopPodSandbox(ctx context.Context, id string) error {
	s.mutex.Lock()
	sb, found := s.sandboxes[id]
	if !found || !sb.ready {
		s.mutex.Unlock()
		return nil
	}
	sb.stopping = true
	containers := s.containersOf(sb)
	s.mutex.Unlock()

	var failures sync.Map
	var done sync.WaitGroup
	for _, c := range containers {
		done.Go(func() {
			if err := s.stop(ctx, c, 0); err != nil {
				failures.Store(c.id, err)
			}
		})
	}
	done.Wait()
	for id, err := range failures.Range {
		return fmt.Errorf("container %s: %w", id, err.(error))
	}

	s.mutex.Lock()
	defer s.mutex.Unlock()
	if !sb.ready {
		return nil
	}
	sb.ready = false
	value, err := sb.record()
	if err == nil {
		err = record.Write(sb.folder, recordFile, value)
	}
	if err != nil {
		sb.ready = true
		return err
	}
	s.addresses.release(sb.address)
	s.publish(sb, sb.id, runtimeapi.ContainerEventType_CONTAINER_STOPPED_EVENT)
	return nil
}

// RemovePodSandbox removes the sandbox and its containers, whatever their state.
func (s *Service) RemovePodSandbox(ctx context.Context, id string) error {
	if err := s.StopPodSandbox(ctx, id); err != nil {
		return err
	}
	s.mutex.Lock()
	sb, found := s.sandboxes[id]
	if !found {
		s.mutex.Unlock()
		return nil
	}
	containers := s.containersOf(sb)
	s.mutex.Unlock()
	for _, c := range containers {
		if err := s.RemoveContainer(ctx, c.id); err != nil {
			return err
		}
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := removeFolder(sb.folder); err != nil {
		return err
	}
	if _, found := s.sandboxes[id]; found {
		delete(s.sandboxes, id)
		s.publish(sb, sb.id, runtimeapi.ContainerEventType_CONTAINER_DELETED_EVENT)
	}
	return nil
}

// UpdatePodSandboxResources has nothing to change: there is no cgroup of a pod.
func (s *Service) UpdatePodSandboxResources(context.Context, *runtimeapi.UpdatePodSandboxResourcesRequest) (*runtimeapi.UpdatePodSandboxResourcesResponse, error) {
	return &runtimeapi.UpdatePodSandboxResourcesResponse{}, nil
}

// PodSandboxStatus gives the sandbox and its containers as of one moment.
func (s *Service) PodSandboxStatus(_ context.Context, id string, _ bool) (*runtimeapi.PodSandboxStatusResponse, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	sb, found := s.sandboxes[id]
	if !found {
		return nil, status.Errorf(codes.NotFound, "sandbox %s: not found", id)
	}
	return &runtimeapi.PodSandboxStatusResponse{
		Status: sb.status(), ContainersStatuses: s.statusesOf(sb), Timestamp: time.Now().UnixNano(),
	}, nil
}

// ListPodSandbox lists the newest first.
func (s *Service) ListPodSandbox(_ context.Context, filter *runtimeapi.PodSandboxFilter) ([]*runtimeapi.PodSandbox, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var list []*runtimeapi.PodSandbox
	for _, sb := range s.sandboxes {
		if filter.GetId() != "" && filter.GetId() != sb.id ||
			filter.GetState() != nil && filter.GetState().GetState() != sb.state() ||
			!selects(filter.GetLabelSelector(), sb.config.GetLabels()) {
			continue
		}
		list = append(list, &runtimeapi.PodSandbox{
			Id: sb.id, Metadata: sb.config.GetMetadata(), State: sb.state(), CreatedAt: sb.createdAt,
			Labels: sb.config.GetLabels(), Annotations: sb.config.GetAnnotations(), RuntimeHandler: sb.handler,
		})
	}
	slices.SortFunc(list, func(a, b *runtimeapi.PodSandbox) int { return int(b.CreatedAt - a.CreatedAt) })
	return list, nil
}

func (sb *sandbox) state() runtimeapi.PodSandboxState {
	if sb.ready {
		return runtimeapi.PodSandboxState_SANDBOX_READY
	}
	return runtimeapi.PodSandboxState_SANDBOX_NOTREADY
}

func (sb *sandbox) status() *runtimeapi.PodSandboxStatus {
	address := ""
	if sb.ready {
		address = sb.address.String()
	}
	return &runtimeapi.PodSandboxStatus{
		Id: sb.id, Metadata: sb.config.GetMetadata(), State: sb.state(), CreatedAt: sb.createdAt,
		Network: &runtimeapi.PodSandboxNetworkStatus{Ip: address},
		Linux: &runtimeapi.LinuxPodSandboxStatus{Namespaces: &runtimeapi.Namespace{
			Options: sb.config.GetLinux().GetSecurityContext().GetNamespaceOptions(),
		}},
		Labels: sb.config.GetLabels(), Annotations: sb.config.GetAnnotations(), RuntimeHandler: sb.handler,
	}
}

// containersOf lists the containers of a sandbox; the caller holds the mutex.
func (s *Service) containersOf(sb *sandbox) []*container {
	var list []*container
	for _, c := range s.containers {
		if c.sandbox == sb {
			list = append(list, c)
		}
	}
	return list
}

func selects(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return true
}
