package runtime

import (
	"context"
	"path/filepath"
	"sync"
	"time"

	"gitops-platform/tools/node-agent/shim/record"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/klog/v2"
)

// container is one run of a process: created, then running, then exited; never started twice.
type container struct {
	id        string
	folder    string
	sandbox   *sandbox
	config    *runtimeapi.ContainerConfig
	createdAt int64
	// ended is closed when exit is known.
	ended chan struct{}

	// operation is held by a start and a removal, which exclude each other.
	operation sync.Mutex

	// The rest is guarded by Service.mutex.
	resources *runtimeapi.LinuxContainerResources
	start     *record.Start
	exit      *record.Exit
	shim      *process
	cpu       uint64 // nanoseconds, as reported last
}

func newContainer(id string, sb *sandbox, config *runtimeapi.ContainerConfig, createdAt int64) *container {
	return &container{
		id: id, sandbox: sb, config: config, createdAt: createdAt, ended: make(chan struct{}),
		resources: config.GetLinux().GetResources(),
	}
}

// CreateContainer prepares a folder. What the container asks for and cannot have is refused here.
func (s *Service) CreateContainer(ctx context.Context, sandboxID string, config *runtimeapi.ContainerConfig, _ *runtimeapi.PodSandboxConfig) (string, error) {
	if err := refuseContainer(config); err != nil {
		return "", err
	}
	_, image, err := s.options.Images.RootFilesystem(config.GetImage().GetImage())
	if err != nil {
		return "", err
	}
	if _, err := stopSignal(config, image); err != nil {
		return "", err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	sb, err := s.readySandbox(sandboxID)
	if err != nil {
		return "", err
	}
	for _, other := range s.containersOf(sb) {
		a, b := other.config.GetMetadata(), config.GetMetadata()
		if a.GetName() == b.GetName() && a.GetAttempt() == b.GetAttempt() {
			return "", status.Errorf(codes.AlreadyExists, "attempt %d of container %s is %s", b.GetAttempt(), b.GetName(), other.id)
		}
	}
	c := newContainer(newID(), sb, config, time.Now().UnixNano())
	if c.folder, err = s.createContainer(c); err != nil {
		return "", err
	}
	s.containers[c.id] = c
	logNotHonoured(klog.FromContext(ctx), c)
	s.publish(sb, c.id, runtimeapi.ContainerEventType_CONTAINER_CREATED_EVENT)
	return c.id, nil
}

// readySandbox finds a sandbox that takes containers; the caller holds the mutex.
func (s *Service) readySandbox(id string) (*sandbox, error) {
	sb, found := s.sandboxes[id]
	if !found {
		return nil, status.Errorf(codes.NotFound, "sandbox %s: not found", id)
	}
	if !sb.ready || sb.stopping {
		return nil, status.Errorf(codes.FailedPrecondition, "sandbox %s is stopped", id)
	}
	return sb, nil
}

func (s *Service) createContainer(c *container) (string, error) {
	value, err := c.record()
	if err != nil {
		return "", err
	}
	return createFolder(filepath.Join(s.options.StateDir, containersFolder), c.id, value, scratchFolder)
}

func (c *container) record() (containerRecord, error) {
	// Environment variables hold Secrets; they are written once, for the shim.
	stored := proto.CloneOf(c.config)
	stored.Envs = nil
	if stored.Linux != nil {
		stored.Linux.Resources = c.resources
	}
	config, err := marshal(stored)
	return containerRecord{Sandbox: c.sandbox.id, Config: config, CreatedAt: c.createdAt}, err
}

// logNotHonoured says what a pod may ask for without getting it, and without being refused: the chart of a pod that is
// meant for isolated containers must run here unchanged.
func logNotHonoured(log klog.Logger, c *container) {
	security, resources := c.config.GetLinux().GetSecurityContext(), c.config.GetLinux().GetResources()
	var fields []string
	// Without root, no process can become another user.
	if security.GetRunAsUser() != nil || security.GetRunAsUsername() != "" {
		fields = append(fields, "runAsUser")
	}
	if security.GetReadonlyRootfs() {
		fields = append(fields, "readOnlyRootFilesystem")
	}
	if resources.GetCpuQuota() > 0 {
		fields = append(fields, "resources.limits.cpu")
	}
	log.V(2).Info("Container runs as a process of the agent's user", "container", c.config.GetMetadata().GetName(),
		"containerID", c.id, "notHonoured", fields)
}

// find gives a container by its id.
func (s *Service) find(id string) (*container, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if c, found := s.containers[id]; found {
		return c, nil
	}
	return nil, status.Errorf(codes.NotFound, "container %s: not found", id)
}

// RemoveContainer removes a container and what its process wrote, except for its log. One that runs is killed first.
func (s *Service) RemoveContainer(ctx context.Context, id string) error {
	c, err := s.find(id)
	if err != nil {
		return nil
	}
	if err := s.stop(ctx, c, 0); err != nil {
		return err
	}
	c.operation.Lock()
	defer c.operation.Unlock()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if c.state() == runtimeapi.ContainerState_CONTAINER_RUNNING {
		return status.Errorf(codes.FailedPrecondition, "container %s was started meanwhile", id)
	}
	if err := removeFolder(c.folder); err != nil {
		return err
	}
	if _, found := s.containers[id]; found {
		delete(s.containers, id)
		s.publish(c.sandbox, c.id, runtimeapi.ContainerEventType_CONTAINER_DELETED_EVENT)
	}
	return nil
}

// UpdateContainerResources changes the memory limit; the rest is kept for the status and has no effect here.
func (s *Service) UpdateContainerResources(_ context.Context, id string, resources *runtimeapi.ContainerResources) error {
	changed := resources.GetLinux()
	if changed == nil {
		return nil
	}
	return s.reload(id, func(c *container, config *record.Config) error {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		merged := proto.CloneOf(c.resources)
		if merged == nil {
			merged = &runtimeapi.LinuxContainerResources{}
		}
		proto.Merge(merged, changed)
		c.resources = merged
		config.MemoryLimit = merged.GetMemoryLimitInBytes()
		value, err := c.record()
		if err != nil {
			return err
		}
		return record.Write(c.folder, recordFile, value)
	})
}

// reload changes the configuration of a running container and tells its shim, which opens the log anew too.
func (s *Service) reload(id string, change func(*container, *record.Config) error) error {
	c, err := s.running(id)
	if err != nil {
		return err
	}
	c.operation.Lock()
	defer c.operation.Unlock()
	var config record.Config
	if err := record.Read(c.folder, record.ConfigFile, &config); err != nil {
		return err
	}
	if err := change(c, &config); err != nil {
		return err
	}
	if err := record.Write(c.folder, record.ConfigFile, config); err != nil {
		return err
	}
	return c.shim.signal(signalReload)
}
