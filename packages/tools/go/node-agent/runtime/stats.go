package runtime

import (
	"context"
	"time"

	"gitops-platform/tools/node-agent/shim/procfs"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// ContainerStats measures a running container.
func (s *Service) ContainerStats(_ context.Context, id string) (*runtimeapi.ContainerStats, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	c, found := s.containers[id]
	if !found || c.state() != runtimeapi.ContainerState_CONTAINER_RUNNING {
		return nil, status.Errorf(codes.NotFound, "container %s: no such running container", id)
	}
	return c.stats(s.descendants()[c.start.Shim.Pid]), nil
}

// ListContainerStats measures the running containers.
func (s *Service) ListContainerStats(_ context.Context, filter *runtimeapi.ContainerStatsFilter) ([]*runtimeapi.ContainerStats, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	list := []*runtimeapi.ContainerStats{}
	descendants := s.descendants()
	for _, c := range s.containers {
		if c.state() != runtimeapi.ContainerState_CONTAINER_RUNNING ||
			filter.GetId() != "" && filter.GetId() != c.id ||
			filter.GetPodSandboxId() != "" && filter.GetPodSandboxId() != c.sandbox.id ||
			!selects(filter.GetLabelSelector(), c.config.GetLabels()) {
			continue
		}
		list = append(list, c.stats(descendants[c.start.Shim.Pid]))
	}
	return list, nil
}

// descendants gives the processes of all running containers by the pid of the shim; the caller holds the mutex.
func (s *Service) descendants() map[int][]int {
	var shims []int
	for _, c := range s.containers {
		if c.state() == runtimeapi.ContainerState_CONTAINER_RUNNING {
			shims = append(shims, c.start.Shim.Pid)
		}
	}
	return s.forest.Descendants(shims...)
}

// stats measures the processes of a container, those of exec left out; the caller holds the mutex.
func (c *container) stats(pids []int) *runtimeapi.ContainerStats {
	memory := procfs.ReadMemory(pids)
	var ticks, faults, majorFaults uint64
	for _, pid := range pids {
		if stat, err := procfs.ReadStat(pid); err == nil {
			ticks += stat.Own + stat.Waited
			faults, majorFaults = faults+stat.Faults, majorFaults+stat.MajorFaults
		}
	}
	if shim, err := procfs.ReadStat(c.start.Shim.Pid); err == nil {
		ticks += shim.Waited
	}
	// Never less than before: a child's time is counted with its parent a moment after the child is gone.
	c.cpu = max(c.cpu, ticks*uint64(time.Second/procfs.TicksPerSecond))
	now := time.Now().UnixNano()
	result := &runtimeapi.ContainerStats{
		Attributes: &runtimeapi.ContainerAttributes{
			Id: c.id, Metadata: c.config.GetMetadata(), Labels: c.config.GetLabels(), Annotations: c.config.GetAnnotations(),
		},
		Cpu: &runtimeapi.CpuUsage{Timestamp: now, UsageCoreNanoSeconds: number(c.cpu)},
		Memory: &runtimeapi.MemoryUsage{
			Timestamp: now,
			// What the limit counts too.
			WorkingSetBytes: number(uint64(memory.Total())), UsageBytes: number(uint64(memory.Total())),
			RssBytes:   number(uint64(memory.Anonymous)),
			PageFaults: number(faults), MajorPageFaults: number(majorFaults),
		},
	}
	if limit := c.resources.GetMemoryLimitInBytes(); limit > 0 {
		result.Memory.AvailableBytes = number(uint64(max(0, limit-memory.Total())))
	}
	return result
}

func number(value uint64) *runtimeapi.UInt64Value { return &runtimeapi.UInt64Value{Value: value} }

// PodSandboxStats adds up a pod's containers.
func (s *Service) PodSandboxStats(_ context.Context, id string) (*runtimeapi.PodSandboxStats, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	sb, found := s.sandboxes[id]
	if !found {
		return nil, status.Errorf(codes.NotFound, "sandbox %s: not found", id)
	}
	return s.sandboxStats(sb, s.descendants()), nil
}

// ListPodSandboxStats measures the pods that have an address.
func (s *Service) ListPodSandboxStats(_ context.Context, filter *runtimeapi.PodSandboxStatsFilter) ([]*runtimeapi.PodSandboxStats, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	list := []*runtimeapi.PodSandboxStats{}
	descendants := s.descendants()
	for _, sb := range s.sandboxes {
		if sb.ready && (filter.GetId() == "" || filter.GetId() == sb.id) && selects(filter.GetLabelSelector(), sb.config.GetLabels()) {
			list = append(list, s.sandboxStats(sb, descendants))
		}
	}
	return list, nil
}

func (s *Service) sandboxStats(sb *sandbox, descendants map[int][]int) *runtimeapi.PodSandboxStats {
	now := time.Now().UnixNano()
	sum := &runtimeapi.LinuxPodSandboxStats{
		Cpu: &runtimeapi.CpuUsage{Timestamp: now, UsageCoreNanoSeconds: number(0)},
		Memory: &runtimeapi.MemoryUsage{
			Timestamp: now, WorkingSetBytes: number(0), UsageBytes: number(0), RssBytes: number(0),
			PageFaults: number(0), MajorPageFaults: number(0),
		},
		Process: &runtimeapi.ProcessUsage{Timestamp: now, ProcessCount: number(0)},
	}
	for _, c := range s.containersOf(sb) {
		if c.state() != runtimeapi.ContainerState_CONTAINER_RUNNING {
			continue
		}
		pids := descendants[c.start.Shim.Pid]
		stats := c.stats(pids)
		sum.Containers = append(sum.Containers, stats)
		sum.Cpu.UsageCoreNanoSeconds.Value += stats.Cpu.UsageCoreNanoSeconds.Value
		sum.Memory.WorkingSetBytes.Value += stats.Memory.WorkingSetBytes.Value
		sum.Memory.UsageBytes.Value += stats.Memory.UsageBytes.Value
		sum.Memory.RssBytes.Value += stats.Memory.RssBytes.Value
		sum.Memory.PageFaults.Value += stats.Memory.PageFaults.Value
		sum.Memory.MajorPageFaults.Value += stats.Memory.MajorPageFaults.Value
		sum.Process.ProcessCount.Value += uint64(len(pids))
	}
	return &runtimeapi.PodSandboxStats{
		Attributes: &runtimeapi.PodSandboxAttributes{
			Id: sb.id, Metadata: sb.config.GetMetadata(), Labels: sb.config.GetLabels(), Annotations: sb.config.GetAnnotations(),
		},
		Linux: sum,
	}
}

// ListMetricDescriptors and ListPodSandboxMetrics serve cAdvisor's metrics, which this runtime has none of.
func (s *Service) ListMetricDescriptors(context.Context) ([]*runtimeapi.MetricDescriptor, error) {
	return nil, nil
}

// ListPodSandboxMetrics has none, see ListMetricDescriptors.
func (s *Service) ListPodSandboxMetrics(context.Context) ([]*runtimeapi.PodSandboxMetrics, error) {
	return nil, nil
}
