package runtime

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func TestAddresses(t *testing.T) {
	for block, count := range map[string]int{"127.1.2.0/25": 126, "127.1.2.128/25": 126, "127.1.2.0/30": 2} {
		a := newAddresses(netip.MustParsePrefix(block))
		seen := map[netip.Addr]bool{}
		for range count {
			address, err := a.take()
			check(t, err)
			octet := address.As4()[3]
			if seen[address] || !a.block.Contains(address) || octet == 0 || octet == 255 {
				t.Errorf("%s: gave %s", block, address)
			}
			seen[address] = true
		}
		if _, err := a.take(); err == nil || !strings.Contains(err.Error(), "no free address in "+block) {
			t.Errorf("%s is full: %v", block, err)
		}
	}
}

func TestAddressIsNotGivenAgainAtOnce(t *testing.T) {
	a := newAddresses(netip.MustParsePrefix("127.1.2.0/29"))
	first, _ := a.take()
	a.release(first)
	second, _ := a.take()
	equal(t, "next", second.String(), "127.1.2.2")
}

func TestSandboxKeepsItsAddressUntilItStops(t *testing.T) {
	f := newFixture(t)
	first := f.sandbox("first")
	equal(t, "address", f.address(first), "127.99.7.1")
	f.restart()
	equal(t, "address after restart", f.address(first), "127.99.7.1")
	equal(t, "another's", f.address(f.sandbox("second")), "127.99.7.2")
	for range 12 {
		f.sandbox("more" + newID())
	}
	if _, err := f.RunPodSandbox(background, sandboxConfig(f.logs, "full"), ""); err == nil {
		t.Error("an address too many")
	}
	check(t, f.StopPodSandbox(background, first))
	equal(t, "address of what stopped", f.address(first), "")
	equal(t, "the one that is free", f.address(f.sandbox("third")), "127.99.7.1")
	f.restart()
	equal(t, "state", f.sandboxStatus(first).State, runtimeapi.PodSandboxState_SANDBOX_NOTREADY)
}

func (f *fixture) sandboxStatus(id string) *runtimeapi.PodSandboxStatus {
	f.t.Helper()
	response, err := f.PodSandboxStatus(background, id, false)
	check(f.t, err)
	return response.Status
}

func (f *fixture) address(id string) string { return f.sandboxStatus(id).Network.Ip }

func TestOneSandboxForAnAttempt(t *testing.T) {
	f := newFixture(t)
	f.sandbox("pod")
	if _, err := f.RunPodSandbox(background, sandboxConfig(f.logs, "pod"), ""); err == nil {
		t.Error("a second one")
	}
	again := sandboxConfig(f.logs, "pod")
	again.Metadata.Attempt = 1
	_, err := f.RunPodSandbox(background, again, "")
	check(t, err)
}

func TestStoppedSandboxRunsNothing(t *testing.T) {
	f := newFixture(t)
	id := f.run("running", "sleep 60")
	created := f.create(f.status2(id), containerConfig("created", "sleep 60"))
	check(t, f.StopPodSandbox(background, f.status2(id)))
	equal(t, "code", f.status(id).ExitCode, int32(137))
	if f.StartContainer(background, created) == nil {
		t.Error("started")
	}
	if _, err := f.CreateContainer(background, f.status2(id), containerConfig("late", ""), nil); err == nil {
		t.Error("created")
	}
	check(t, f.RemovePodSandbox(background, f.status2(id)))
	equal(t, "left in memory", len(f.containers)+len(f.sandboxes), 0)
	for _, kind := range []string{sandboxesFolder, containersFolder} {
		ids, err := folders(f.options.StateDir + "/" + kind)
		check(t, err)
		equal(t, "left in "+kind, len(ids), 0)
	}
}

func TestStartAndStopAtOnce(t *testing.T) {
	f := newFixture(t)
	sandbox := f.sandbox("pod")
	var ids []string
	for number := range 8 {
		ids = append(ids, f.create(sandbox, containerConfig(fmt.Sprint("c", number), "exec sleep 60")))
	}
	var done sync.WaitGroup
	for number, id := range ids {
		done.Go(func() {
			time.Sleep(time.Duration(number) * 2 * time.Millisecond)
			f.StartContainer(background, id)
		})
	}
	time.Sleep(5 * time.Millisecond)
	check(t, f.StopPodSandbox(background, sandbox))
	done.Wait()
	equal(t, "processes", marked(f.options.StateDir), nil)
}

func TestRefusals(t *testing.T) {
	f := newFixture(t)
	namespaces := func(change func(*runtimeapi.NamespaceOption)) *runtimeapi.NamespaceOption {
		options := &runtimeapi.NamespaceOption{Pid: runtimeapi.NamespaceMode_CONTAINER}
		change(options)
		return options
	}
	for field, change := range map[string]func(*runtimeapi.PodSandboxConfig, *runtimeapi.LinuxSandboxSecurityContext){
		"hostNetwork": func(_ *runtimeapi.PodSandboxConfig, security *runtimeapi.LinuxSandboxSecurityContext) {
			security.NamespaceOptions = namespaces(func(o *runtimeapi.NamespaceOption) { o.Network = runtimeapi.NamespaceMode_NODE })
		},
		"hostPID": func(_ *runtimeapi.PodSandboxConfig, security *runtimeapi.LinuxSandboxSecurityContext) {
			security.NamespaceOptions = namespaces(func(o *runtimeapi.NamespaceOption) { o.Pid = runtimeapi.NamespaceMode_NODE })
		},
		"hostIPC": func(_ *runtimeapi.PodSandboxConfig, security *runtimeapi.LinuxSandboxSecurityContext) {
			security.NamespaceOptions = namespaces(func(o *runtimeapi.NamespaceOption) { o.Ipc = runtimeapi.NamespaceMode_NODE })
		},
		"hostUsers": func(_ *runtimeapi.PodSandboxConfig, security *runtimeapi.LinuxSandboxSecurityContext) {
			security.NamespaceOptions = namespaces(func(o *runtimeapi.NamespaceOption) { o.UsernsOptions = &runtimeapi.UserNamespace{} })
		},
		"hostPort": func(config *runtimeapi.PodSandboxConfig, _ *runtimeapi.LinuxSandboxSecurityContext) {
			config.PortMappings = []*runtimeapi.PortMapping{{HostPort: 80, ContainerPort: 80}}
		},
		"sysctls": func(config *runtimeapi.PodSandboxConfig, _ *runtimeapi.LinuxSandboxSecurityContext) {
			config.Linux.Sysctls = map[string]string{"kernel.shm_rmid_forced": "1"}
		},
		"privileged": func(_ *runtimeapi.PodSandboxConfig, security *runtimeapi.LinuxSandboxSecurityContext) {
			security.Privileged = true
		},
	} {
		config := sandboxConfig(f.logs, field)
		config.Linux = &runtimeapi.LinuxPodSandboxConfig{SecurityContext: &runtimeapi.LinuxSandboxSecurityContext{}}
		change(config, config.Linux.SecurityContext)
		if _, err := f.RunPodSandbox(background, config, ""); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	equal(t, "addresses taken", len(f.addresses.inUse), 0)

	sandbox := f.sandbox("pod")
	for field, change := range map[string]func(*runtimeapi.ContainerConfig){
		"privileged": func(config *runtimeapi.ContainerConfig) { config.Linux.SecurityContext.Privileged = true },
		"capabilities.add": func(config *runtimeapi.ContainerConfig) {
			config.Linux.SecurityContext.Capabilities = &runtimeapi.Capability{AddCapabilities: []string{"NET_ADMIN"}}
		},
		"device": func(config *runtimeapi.ContainerConfig) {
			config.Devices = []*runtimeapi.Device{{HostPath: "/dev/fuse"}}
		},
		"tty":   func(config *runtimeapi.ContainerConfig) { config.Tty = true },
		"stdin": func(config *runtimeapi.ContainerConfig) { config.Stdin = true },
		"image volume": func(config *runtimeapi.ContainerConfig) {
			config.Mounts = []*runtimeapi.Mount{{Image: &runtimeapi.ImageSpec{Image: "x"}}}
		},
	} {
		config := containerConfig(field, "")
		config.Linux = &runtimeapi.LinuxContainerConfig{SecurityContext: &runtimeapi.LinuxContainerSecurityContext{}}
		change(config)
		if _, err := f.CreateContainer(background, sandbox, config, nil); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	equal(t, "containers", len(f.containers), 0)
}

func TestEvents(t *testing.T) {
	f := newFixture(t)
	events := make(chan *runtimeapi.ContainerEventResponse)
	ctx, cancel := context.WithCancel(background)
	connected := make(chan struct{})
	ended := make(chan error)
	go func() {
		ended <- f.GetContainerEvents(ctx, events, func(runtimeapi.RuntimeService_GetContainerEventsClient) { close(connected) })
	}()
	<-connected
	id := f.run("pod", "exit 4")
	f.ended(id)
	sandbox := f.status2(id)
	check(t, f.RemovePodSandbox(background, sandbox))

	const created, started, stopped, deleted = runtimeapi.ContainerEventType_CONTAINER_CREATED_EVENT,
		runtimeapi.ContainerEventType_CONTAINER_STARTED_EVENT, runtimeapi.ContainerEventType_CONTAINER_STOPPED_EVENT,
		runtimeapi.ContainerEventType_CONTAINER_DELETED_EVENT
	type step struct {
		id   string
		kind runtimeapi.ContainerEventType
	}
	var last int64
	for _, want := range []step{
		{sandbox, created}, {sandbox, started}, {id, created}, {id, started}, {id, stopped}, {sandbox, stopped}, {id, deleted}, {sandbox, deleted},
	} {
		event := <-events
		equal(t, "event", step{event.ContainerId, event.ContainerEventType}, want)
		if event.CreatedAt < last {
			t.Error("events out of order")
		}
		last = event.CreatedAt
		if want == (step{id, stopped}) {
			equal(t, "exit code in the event", event.ContainersStatuses[0].ExitCode, int32(4))
		}
	}
	cancel()
	if <-ended == nil {
		t.Error("no error at the end")
	}
}
