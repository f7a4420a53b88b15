package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"gitops-platform/tools/node-agent/shim/procfs"
	"gitops-platform/tools/node-agent/shim/record"
)

func TestRunningContainerIsAdopted(t *testing.T) {
	f := newFixture(t)
	id := f.run("kept", `trap 'echo asked; exit 5' TERM; echo ready; sleep 60 & wait`)
	f.prints(id, "ready")
	before := f.containers[id].start
	f.restart()
	equal(t, "process", f.containers[id].start.Main, before.Main)
	equal(t, "started", f.status(id).StartedAt, before.StartedAt.UnixNano())
	output, _, err := f.ExecSync(background, id, []string{"sh", "-c", "echo $FROM_IMAGE"}, 0)
	check(t, err)
	equal(t, "exec after adoption", string(output), "yes\n")
	check(t, f.StopContainer(background, id, 30))
	equal(t, "code", f.status(id).ExitCode, int32(5))
	equal(t, "log", f.log(id), []string{"stdout F ready", "stdout F asked"})
}

func TestExitCodeOfWhatEndedMeanwhile(t *testing.T) {
	f := newFixture(t)
	id := f.run("meanwhile", untilGo+`; exit 6`)
	folder := f.containers[id].folder
	f.Close(background)
	check(t, os.WriteFile(filepath.Join(folder, scratchFolder, "go"), nil, 0o600))
	eventually(t, "exit recorded", func() bool {
		_, err := os.Stat(filepath.Join(folder, record.ExitFile))
		return err == nil
	})
	for range 2 {
		f.restart()
		equal(t, "code", f.ended(id).ExitCode, int32(6))
	}
}

func TestKilledShimLeavesNothing(t *testing.T) {
	f := newFixture(t)
	script := `trap '' TERM; (setsid /bin/sleep 60 &); echo ready; sleep 60; exit`
	id := f.run("orphaned", script)
	f.prints(id, "ready")
	check(t, syscall.Kill(f.containers[id].start.Shim.Pid, syscall.SIGKILL))
	equal(t, "code", f.ended(id).ExitCode, int32(137))
	equal(t, "processes", marked(f.options.StateDir), nil)

	// The same while no agent runs.
	id = f.run("orphaned2", script)
	f.prints(id, "ready")
	start := f.containers[id].start
	f.Close(background)
	check(t, syscall.Kill(start.Shim.Pid, syscall.SIGKILL))
	eventually(t, "process ended with its shim", func() bool { return !procfs.Alive(start.Main.Pid, start.Main.Birth) })
	f.restart()
	equal(t, "code", f.ended(id).ExitCode, int32(137))
	equal(t, "processes", marked(f.options.StateDir), nil)
}

// TestExecOfTheLastAgentIsEnded: what an exec has started outlives an agent that is killed, and is nobody's.
func TestExecOfTheLastAgentIsEnded(t *testing.T) {
	f := newFixture(t)
	id := f.run("pod", "exec sleep 60")
	f.Close(background)
	left := exec.Command("/bin/sleep", "60")
	left.Env = []string{markVariable + "=" + f.containers[id].folder}
	check(t, left.Start())
	f.restart()
	check(t, ignoreExit(left.Wait()))
	equal(t, "state", f.status(id).State, runtimeapi.ContainerState_CONTAINER_RUNNING)
	equal(t, "processes", len(marked(f.options.StateDir)), 2)
}

func ignoreExit(err error) error {
	if errors.As(err, new(*exec.ExitError)) {
		return nil
	}
	return err
}

func TestInterruptedCallsAreCleared(t *testing.T) {
	f := newFixture(t)
	sandbox := f.sandbox("pod")
	created := f.create(sandbox, containerConfig("created", "sleep 60"))
	prepared := f.create(sandbox, containerConfig("prepared", "sleep 60"))
	check(t, record.Write(f.containers[prepared].folder, record.ConfigFile, record.Config{Path: "/bin/sleep"}))
	for _, folder := range []string{"containers/.half", "sandboxes/.half", "containers/unreadable", "sandboxes/unreadable"} {
		check(t, os.MkdirAll(filepath.Join(f.options.StateDir, folder), 0o700))
	}
	f.restart()
	for _, id := range []string{created, prepared} {
		if _, err := f.ContainerStatus(background, id, false); err == nil {
			t.Error("a container that never ran is still there")
		}
	}
	for _, kind := range []string{"containers", "sandboxes"} {
		entries, err := os.ReadDir(filepath.Join(f.options.StateDir, kind))
		check(t, err)
		equal(t, "left in "+kind, len(entries), len(f.containers)+map[string]int{"sandboxes": 1}[kind])
	}
}

// TestShimThatIsSlowToStart: the agent was killed right after it started a shim that has not come to its first
// instruction. The next agent must wait for it, not start another.
func TestShimThatIsSlowToStart(t *testing.T) {
	f := newFixture(t)
	id := f.create(f.sandbox("slow"), containerConfig("slow", "echo once; sleep 60"))
	c := f.containers[id]
	config, err := shimConfig(c, f.options.Images.(image).root, f.options.Images.(image).config)
	check(t, err)
	check(t, os.WriteFile(filepath.Join(f.options.StateDir, "slow.sh"), []byte("#!/bin/sh\nsleep 0.3\nexec "+shimPath+" \"$@\"\n"), 0o755))
	check(t, record.Write(c.folder, record.ConfigFile, config))
	lock, err := lockFile(filepath.Join(c.folder, record.LockFile))
	check(t, err)
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	check(t, err)
	shim := exec.Command(filepath.Join(f.options.StateDir, "slow.sh"), c.folder)
	shim.ExtraFiles = []*os.File{lock, null}
	shim.Env = []string{"PATH=/bin:/usr/bin", markVariable + "=" + c.folder}
	check(t, shim.Start())
	go shim.Wait()
	lock.Close()
	f.restart()
	equal(t, "state", f.status(id).State, runtimeapi.ContainerState_CONTAINER_RUNNING)
	f.prints(id, "once")
	equal(t, "log", f.log(id), []string{"stdout F once"})
}

func TestShimRefusesAFolderThatWasUsed(t *testing.T) {
	f := newFixture(t)
	id := f.run("used", "echo once")
	f.ended(id)
	lock, err := lockFile(filepath.Join(f.containers[id].folder, record.LockFile))
	check(t, err)
	defer lock.Close()
	shim := exec.Command(shimPath, f.containers[id].folder)
	shim.ExtraFiles = []*os.File{lock, lock}
	output, err := shim.CombinedOutput()
	if err == nil || !strings.Contains(string(output), "was started before") {
		t.Errorf("%v: %s", err, output)
	}
	equal(t, "log", f.log(id), []string{"stdout F once"})
}

func TestOneAgentAtATime(t *testing.T) {
	f := newFixture(t)
	if _, err := New(f.options); err == nil || !strings.Contains(err.Error(), "another node-agent uses it") {
		t.Error(err)
	}
}

func TestStopAll(t *testing.T) {
	f := newFixture(t)
	polite := f.run("polite", `trap 'exit 0' TERM; echo ready; sleep 60 & wait`)
	f.prints(polite, "ready")
	f.run("quiet", "exec sleep 60")
	f.Close(background)
	check(t, StopAll(background, f.options.StateDir))
	equal(t, "processes", marked(f.options.StateDir), nil)
	check(t, StopAll(background, f.options.StateDir))
	check(t, StopAll(background, f.options.StateDir+"/nothing"))
	f.restart()
	equal(t, "code", f.ended(polite).ExitCode, int32(0))
	equal(t, "state", f.sandboxStatus(f.status2(polite)).State, runtimeapi.PodSandboxState_SANDBOX_NOTREADY)
}

// runAgent is the test binary as an agent that runs one pod after another until it is killed.
func runAgent() {
	var options struct {
		StateDir, Shim, Root, Logs string
	}
	if err := json.Unmarshal([]byte(os.Getenv("TEST_AGENT")), &options); err != nil {
		panic(err)
	}
	img := image{root: options.Root}
	img.config.Env = []string{"PATH=/bin"}
	s, err := New(Options{
		StateDir: options.StateDir, ShimPath: options.Shim, LoopbackCIDR: netip.MustParsePrefix("127.99.8.0/24"), Images: img,
	})
	if err != nil {
		panic(err)
	}
	fmt.Println("ready")
	for number := 0; ; number++ {
		name := fmt.Sprint("pod", os.Getpid(), "-", number)
		sandbox, err := s.RunPodSandbox(background, sandboxConfig(options.Logs, name), "")
		if err != nil {
			panic(err)
		}
		config := containerConfig(name, "")
		config.Command, config.Args = []string{"/bin/sh", "-c", "echo once; sleep 60; exit"}, nil
		id, err := s.CreateContainer(background, sandbox, config, nil)
		if err == nil {
			err = s.StartContainer(background, id)
		}
		if err == nil && number%3 == 1 {
			err = s.RemovePodSandbox(background, sandbox)
		}
		if err != nil {
			panic(err)
		}
	}
}

// TestAgentKilledAtAnyMoment kills an agent that runs pods, later each time, and looks at what the next one finds.
func TestAgentKilledAtAnyMoment(t *testing.T) {
	f := newFixture(t)
	f.options.LoopbackCIDR = netip.MustParsePrefix("127.99.8.0/24")
	arguments, err := json.Marshal(map[string]string{
		"StateDir": f.options.StateDir, "Shim": shimPath, "Root": f.options.Images.(image).root, "Logs": f.logs,
	})
	check(t, err)
	for round := range 25 {
		f.Close(background)
		agent := exec.Command(os.Args[0])
		agent.Env = append(os.Environ(), "TEST_AGENT="+string(arguments))
		agent.Stderr = os.Stderr
		output, err := agent.StdoutPipe()
		check(t, err)
		check(t, agent.Start())
		if _, err := fmt.Fscanln(output, new(string)); err != nil {
			t.Fatal("agent did not start")
		}
		// A pod takes about 10 ms; the times are odd to it.
		time.Sleep(time.Duration(round) * 1700 * time.Microsecond)
		check(t, agent.Process.Kill())
		agent.Wait()
		f.restart()
		// A removal that was interrupted after the kill may need a moment more.
		var problem error
		for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			if problem = f.consistent(); problem == nil {
				break
			}
		}
		if problem != nil {
			t.Fatalf("round %d: %v", round, problem)
		}
		for id := range f.sandboxes {
			check(t, f.RemovePodSandbox(background, id))
		}
	}
}

// consistent says how folders, containers and processes are not one to one.
func (f *fixture) consistent() error {
	running := map[string]int{}
	for id, c := range f.containers {
		switch status := f.status(id); status.State {
		case runtimeapi.ContainerState_CONTAINER_RUNNING:
			running[c.folder] = c.start.Shim.Pid
			if lines := f.log(id); len(lines) != 1 {
				return fmt.Errorf("container %s ran %d times", id, len(lines))
			}
		case runtimeapi.ContainerState_CONTAINER_CREATED:
			return fmt.Errorf("container %s was never started", id)
		case runtimeapi.ContainerState_CONTAINER_EXITED:
			if status.ExitCode != 137 {
				return fmt.Errorf("container %s was not killed: %v", id, status)
			}
		}
	}
	pids := marked(f.options.StateDir)
	for _, pid := range pids {
		folder := procfs.Environment(pid, markVariable)
		shim, found := running[folder]
		if folder != "" && !found {
			return fmt.Errorf("process %d belongs to no running container: %s", pid, folder)
		}
		if program, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); program == shimPath && pid != shim {
			return fmt.Errorf("a second shim of %s", folder)
		}
	}
	for folder, shim := range running {
		if !slices.Contains(pids, shim) {
			return fmt.Errorf("no shim of %s", folder)
		}
	}
	addresses := map[string]bool{}
	for id := range f.sandboxes {
		address := f.address(id)
		if address != "" && addresses[address] {
			return fmt.Errorf("two sandboxes have %s", address)
		}
		addresses[address] = true
	}
	return nil
}
