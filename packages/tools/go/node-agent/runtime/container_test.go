package runtime

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

var background = context.Background()

func TestExitCodesAndLogs(t *testing.T) {
	f := newFixture(t)
	for _, test := range []struct {
		name, script string
		code         int32
		reason       string
		log          []string
	}{
		{"success", "echo one; echo two >&2", 0, "Completed", []string{"stdout F one", "stderr F two"}},
		{"failure", "printf unfinished; exit 3", 3, "Error", []string{"stdout F unfinished"}},
		{"signal", "kill -9 $$", 137, "Error", nil},
	} {
		id := f.run(test.name, test.script)
		status := f.ended(id)
		equal(t, test.name+": code", status.ExitCode, test.code)
		equal(t, test.name+": reason", status.Reason, test.reason)
		lines := f.log(id)
		slices.Sort(lines)
		slices.Sort(test.log)
		equal(t, test.name+": log", lines, test.log)
		if status.CreatedAt > status.StartedAt || status.StartedAt > status.FinishedAt {
			t.Errorf("%s: times out of order: %v", test.name, status)
		}
	}
}

func TestLongLinesAreWrittenInParts(t *testing.T) {
	f := newFixture(t)
	long := strings.Repeat("x", 20000)
	check(t, os.WriteFile(filepath.Join(f.options.Images.(image).root, "app", "long"), []byte(long+"\nend\n"), 0o644))
	id := f.run("long", "cat long")
	f.ended(id)
	equal(t, "log", f.log(id), []string{"stdout P " + long[:16384], "stdout F " + long[16384:], "stdout F end"})
}

func TestEnvironment(t *testing.T) {
	f := newFixture(t)
	volume := t.TempDir()
	id := f.run("environment", `echo "$HOST|$HOST6|$NOT_HOST|$FROM_IMAGE|$HOSTNAME|$PWD|$CONFIG|$OTHER|$0"; echo x > $TMPDIR/here; echo "$1"`,
		func(config *runtimeapi.ContainerConfig) {
			config.Args = append(config.Args, "name", "/etc/settings/a")
			for name, value := range map[string]string{
				"HOST": "0.0.0.0", "HOST6": "::", "NOT_HOST": "0.0.0.0:1", "CONFIG": "/etc/settings/b.yaml", "OTHER": "/etc/settingsb",
			} {
				config.Envs = append(config.Envs, &runtimeapi.KeyValue{Key: name, Value: []byte(value)})
			}
			config.Mounts = []*runtimeapi.Mount{
				{ContainerPath: "/tmp", HostPath: volume}, {ContainerPath: "/etc/settings", HostPath: "/volumes/settings"},
			}
		})
	f.ended(id)
	root := f.options.Images.(image).root
	equal(t, "log", f.log(id), []string{
		"stdout F 127.99.7.1|127.99.7.1|0.0.0.0:1|yes|environment|" + root + "/app|/volumes/settings/b.yaml|/etc/settingsb|name",
		"stdout F /volumes/settings/a",
	})
	if _, err := os.Stat(filepath.Join(volume, "here")); err != nil {
		t.Error(err)
	}
}

func TestCommandOfPodReplacesThatOfImage(t *testing.T) {
	f := newFixture(t)
	id := f.run("command", "", func(config *runtimeapi.ContainerConfig) {
		config.Command, config.Args, config.WorkingDir = []string{"cat"}, []string{"/bin/../app/file"}, "/bin"
	})
	equal(t, "code", f.ended(id).ExitCode, int32(1)) // no such file
	check(t, os.WriteFile(filepath.Join(f.options.Images.(image).root, "app", "file"), []byte("content\n"), 0o644))
	id = f.run("command2", "", func(config *runtimeapi.ContainerConfig) {
		config.Command, config.Args = []string{"/bin/cat", "/app/file"}, nil
	})
	f.ended(id)
	equal(t, "log", f.log(id), []string{"stdout F content"})
}

func TestStartErrors(t *testing.T) {
	f := newFixture(t)
	check(t, os.WriteFile(filepath.Join(f.options.Images.(image).root, "bin", "broken"), []byte{0x7f, 'E', 'L', 'F'}, 0o755))
	for command, message := range map[string]string{
		"/bin/nothing": `exec: "/bin/nothing": no such file in the image`,
		"nothing":      `exec: "nothing": executable file not found in $PATH`,
		"/usr/bin/env": `no such file in the image`,
		"/bin/broken":  `exec format error`,
		"/app":         `exec: "/app": not an executable file`,
	} {
		name := strings.ReplaceAll(command, "/", "-")
		config := containerConfig(name, "")
		config.Command, config.Args = []string{command}, nil
		id := f.create(f.sandbox(name), config)
		err := f.StartContainer(background, id)
		if err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: %v", command, err)
		}
		status := f.status(id)
		equal(t, command+": code", status.ExitCode, int32(128))
		equal(t, command+": reason", status.Reason, "StartError")
		if !strings.Contains(status.Message, message) {
			t.Errorf("%s: message %q", command, status.Message)
		}
	}
}

func TestStartTwiceIsRefused(t *testing.T) {
	f := newFixture(t)
	id := f.create(f.sandbox("twice"), containerConfig("twice", "echo started; sleep 60"))
	failures := 0
	results := make(chan error)
	for range 5 {
		go func() { results <- f.StartContainer(background, id) }()
	}
	for range 5 {
		if <-results != nil {
			failures++
		}
	}
	equal(t, "refused", failures, 4)
	f.prints(id, "started")
	equal(t, "log", f.log(id), []string{"stdout F started"})
	check(t, f.StopContainer(background, id, 0))
	if f.StartContainer(background, id) == nil {
		t.Error("started again after its end")
	}
	if _, err := f.CreateContainer(background, f.status2(id), containerConfig("twice", ""), nil); err == nil {
		t.Error("a second container for the same attempt")
	}
}

// status2 gives the sandbox of a container.
func (f *fixture) status2(id string) string {
	list, err := f.ListContainers(background, &runtimeapi.ContainerFilter{Id: id})
	check(f.t, err)
	return list[0].PodSandboxId
}

func TestStopAsksFirst(t *testing.T) {
	f := newFixture(t)
	id := f.run("polite", `trap 'echo asked; exit 0' TERM; echo ready; sleep 60 & wait`)
	f.prints(id, "ready")
	check(t, f.StopContainer(background, id, 30))
	equal(t, "code", f.status(id).ExitCode, int32(0))
	equal(t, "log", f.log(id), []string{"stdout F ready", "stdout F asked"})

	id = f.run("other-signal", `trap 'exit 7' USR2; echo ready; sleep 60 & wait`, func(config *runtimeapi.ContainerConfig) {
		config.StopSignal = runtimeapi.Signal_SIGUSR2
	})
	f.prints(id, "ready")
	check(t, f.StopContainer(background, id, 30))
	equal(t, "code", f.status(id).ExitCode, int32(7))
}

func TestStopKillsAllInTheEnd(t *testing.T) {
	f := newFixture(t)
	// A child, and a daemon in a session of its own whose parent is gone.
	id := f.run("stubborn", `trap '' TERM; sleep 60 & (setsid /bin/sleep 60 &); echo ready; sleep 60; exit`)
	f.prints(id, "ready")
	if len(marked(f.options.StateDir)) < 3 {
		t.Error("processes missing")
	}
	check(t, f.StopContainer(background, id, 1))
	equal(t, "code", f.status(id).ExitCode, int32(137))
	equal(t, "processes", marked(f.options.StateDir), nil)
}

func TestEndOfTheProcessEndsItsChildren(t *testing.T) {
	f := newFixture(t)
	id := f.run("parent", `sleep 60 & echo done; exit 0`)
	equal(t, "code", f.ended(id).ExitCode, int32(0))
	equal(t, "processes", marked(f.options.StateDir), nil)
	equal(t, "log", f.log(id), []string{"stdout F done"})
}

func TestMemoryLimit(t *testing.T) {
	f := newFixture(t)
	id := f.run("leak", `x=x; i=0; while [ $i -lt 28 ]; do x=$x$x; i=$((i+1)); done; sleep 60`, func(config *runtimeapi.ContainerConfig) {
		config.Linux = &runtimeapi.LinuxContainerConfig{Resources: &runtimeapi.LinuxContainerResources{MemoryLimitInBytes: 64 << 20}}
	})
	status := f.ended(id)
	equal(t, "code", status.ExitCode, int32(137))
	equal(t, "reason", status.Reason, "OOMKilled")
	if !strings.HasSuffix(status.Message, "the memory limit is 64 MiB") {
		t.Errorf("message %q", status.Message)
	}
}

func TestMemoryLimitCanBeChanged(t *testing.T) {
	f := newFixture(t)
	id := f.run("resize", `echo ready; sleep 60`)
	f.prints(id, "ready")
	check(t, f.UpdateContainerResources(background, id, &runtimeapi.ContainerResources{
		Linux: &runtimeapi.LinuxContainerResources{MemoryLimitInBytes: 4096},
	}))
	equal(t, "limit", f.status(id).Resources.Linux.MemoryLimitInBytes, int64(4096))
	equal(t, "reason", f.ended(id).Reason, "OOMKilled")
}

func TestLogRotation(t *testing.T) {
	f := newFixture(t)
	id := f.run("rotated", `echo before; `+untilGo+`; echo after`)
	f.prints(id, "before")
	path := f.status(id).LogPath
	check(t, os.Rename(path, path+".1"))
	check(t, f.ReopenContainerLog(background, id))
	check(t, os.WriteFile(filepath.Join(f.containers[id].folder, scratchFolder, "go"), nil, 0o600))
	f.ended(id)
	equal(t, "log", f.log(id), []string{"stdout F after"})
}

func TestAddressInUseIsTheProcesssOwnError(t *testing.T) {
	f := newFixture(t)
	listener, err := net.Listen("tcp", "127.99.7.1:0")
	check(t, err)
	defer listener.Close()
	id := f.run("port", `echo "bind: address $HOST already in use" >&2; exit 98`, func(config *runtimeapi.ContainerConfig) {
		config.Envs = []*runtimeapi.KeyValue{{Key: "HOST", Value: []byte("0.0.0.0")}}
	})
	equal(t, "code", f.ended(id).ExitCode, int32(98))
	equal(t, "log", f.log(id), []string{"stderr F bind: address 127.99.7.1 already in use"})
}

func TestPortThatAProgramHasOnAllAddressesIsNamed(t *testing.T) {
	f := newFixture(t)
	listener, err := net.Listen("tcp4", "0.0.0.0:0")
	check(t, err)
	port := listener.Addr().(*net.TCPAddr).Port
	pod := sandboxConfig(f.logs, "port")
	pod.PortMappings = []*runtimeapi.PortMapping{{ContainerPort: int32(port)}}
	sandbox, err := f.RunPodSandbox(background, pod, "")
	check(t, err)
	id := f.create(sandbox, containerConfig("first", "true"))
	if err := f.StartContainer(background, id); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("port %d is in use on all addresses", port)) {
		t.Errorf("got %v", err)
	}
	equal(t, "reason", f.status(id).Reason, "StartError")

	listener.Close()
	config := containerConfig("first", "true")
	config.Metadata.Attempt = 1
	check(t, f.StartContainer(background, f.create(sandbox, config)))
}

func TestProcessHasNoFilesOfTheShim(t *testing.T) {
	f := newFixture(t)
	id := f.run("files", "exec sleep 60")
	var names []string
	eventually(t, "program runs", func() bool {
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", f.containers[id].start.Main.Pid))
		return string(name) == "sleep\n"
	})
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", f.containers[id].start.Main.Pid))
	check(t, err)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	equal(t, "files", names, []string{"0", "1", "2"})
}

func TestRemovedContainerIsGone(t *testing.T) {
	f := newFixture(t)
	id := f.run("removed", "sleep 60")
	folder := f.containers[id].folder
	check(t, f.RemoveContainer(background, id))
	check(t, f.RemoveContainer(background, id))
	if _, err := f.ContainerStatus(background, id, false); err == nil {
		t.Error("still there")
	}
	if _, err := os.Stat(folder); err == nil {
		t.Error("folder still there")
	}
}

func TestStats(t *testing.T) {
	f := newFixture(t)
	// A child, and one that only the shim is left to wait for.
	id := f.run("busy", `work() { i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; }; (work); echo child
		`+untilGo+`; ( (work; echo orphan) & ); sleep 60; exit`)
	measure := func() *runtimeapi.ContainerStats {
		list, err := f.ListContainerStats(background, &runtimeapi.ContainerStatsFilter{})
		check(t, err)
		return list[0]
	}
	f.prints(id, "child")
	child := measure().Cpu.UsageCoreNanoSeconds.Value
	check(t, os.WriteFile(filepath.Join(f.containers[id].folder, scratchFolder, "go"), nil, 0o600))
	f.prints(id, "orphan")
	const least = uint64(10 * time.Millisecond)
	if child < least {
		t.Errorf("time of the ended child is missing: %d ns", child)
	}
	eventually(t, "the orphan's time is counted when it is gone", func() bool {
		pods, err := f.ListPodSandboxStats(background, nil)
		check(t, err)
		return pods[0].Linux.Process.ProcessCount.Value == 2 && measure().Cpu.UsageCoreNanoSeconds.Value >= child+least
	})
	stats := measure()
	if memory := stats.Memory.WorkingSetBytes.Value; memory < 500<<10 || memory > 50<<20 {
		t.Errorf("memory: %v", stats.Memory)
	}
	check(t, f.StopContainer(background, id, 0))
	list, err := f.ListContainerStats(background, nil)
	check(t, err)
	equal(t, "stats of what ended", len(list), 0)
}
