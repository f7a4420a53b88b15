package runtime

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"gitops-platform/tools/node-agent/shim/procfs"
)

// shimPath is the shim as it is built for the agent.
var shimPath string

func TestMain(m *testing.M) {
	if os.Getenv("TEST_AGENT") != "" {
		runAgent()
		return
	}
	folder, err := os.MkdirTemp("", "shim")
	if err == nil {
		shimPath = filepath.Join(folder, "container-shim")
		var output []byte
		if output, err = exec.Command("go", "build", "-o", shimPath, "../shim").CombinedOutput(); err != nil {
			err = fmt.Errorf("%w: %s", err, output)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// untilGo waits for the file "go" in the container's TMPDIR, ten seconds at most: no script of a test runs forever, even
// if the test is killed.
const untilGo = `i=0; while [ ! -e $TMPDIR/go ] && [ $i -lt 500 ]; do i=$((i+1)); sleep 0.02; done`

// image is a folder with the programs that the tests' containers run.
type image struct {
	root   string
	config v1.Config
}

func (i image) RootFilesystem(string) (string, v1.Config, error) { return i.root, i.config, nil }

func newImage(t *testing.T) image {
	root := t.TempDir()
	for _, name := range []string{"sh", "sleep", "cat", "setsid"} {
		path, err := exec.LookPath(name)
		check(t, err)
		data, err := os.ReadFile(path)
		check(t, err)
		check(t, os.MkdirAll(filepath.Join(root, "bin"), 0o755))
		check(t, os.WriteFile(filepath.Join(root, "bin", name), data, 0o755))
	}
	check(t, os.Mkdir(filepath.Join(root, "app"), 0o755))
	return image{root, v1.Config{
		Entrypoint: []string{"/bin/sh", "-c"}, Env: []string{"PATH=/bin", "FROM_IMAGE=yes"}, WorkingDir: "/app", StopSignal: "SIGTERM",
	}}
}

// fixture is a runtime with one state folder.
type fixture struct {
	*Service
	t       *testing.T
	options Options
	logs    string
}

func newFixture(t *testing.T) *fixture {
	t.Parallel()
	f := &fixture{t: t, logs: t.TempDir(), options: Options{
		StateDir: t.TempDir(), ShimPath: shimPath, LoopbackCIDR: netip.MustParsePrefix("127.99.7.0/28"), Images: newImage(t),
	}}
	f.restart()
	t.Cleanup(f.end)
	return f
}

// end stops everything, whatever the test did to the runtime, and complains about what the runtime left.
func (f *fixture) end() {
	if f.Service != nil {
		f.Close(background)
	}
	if err := StopAll(background, f.options.StateDir); err != nil {
		f.t.Error(err)
	}
	for _, pid := range marked(f.options.StateDir) {
		f.t.Errorf("process %d is left", pid)
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

// restart is a new agent over the same folder.
func (f *fixture) restart() {
	f.t.Helper()
	if f.Service != nil {
		f.Close(background)
	}
	var err error
	f.Service, err = New(f.options)
	check(f.t, err)
}

// marked lists the living processes of a state folder.
func marked(stateDir string) (pids []int) {
	all, _ := procfs.Pids()
	for _, pid := range all {
		if strings.HasPrefix(procfs.Environment(pid, markVariable), stateDir+"/") {
			pids = append(pids, pid)
		}
	}
	return pids
}

func (f *fixture) sandbox(name string) string {
	f.t.Helper()
	id, err := f.RunPodSandbox(background, sandboxConfig(f.logs, name), "")
	check(f.t, err)
	return id
}

func sandboxConfig(logs, name string) *runtimeapi.PodSandboxConfig {
	return &runtimeapi.PodSandboxConfig{
		Metadata:     &runtimeapi.PodSandboxMetadata{Name: name, Namespace: "default", Uid: "uid-" + name},
		Hostname:     name,
		LogDirectory: filepath.Join(logs, name),
		Labels:       map[string]string{"io.kubernetes.pod.uid": "uid-" + name},
	}
}

// containerConfig runs a script with the shell of the image.
func containerConfig(name, script string) *runtimeapi.ContainerConfig {
	return &runtimeapi.ContainerConfig{
		Metadata: &runtimeapi.ContainerMetadata{Name: name}, LogPath: name + "/0.log",
		Image: &runtimeapi.ImageSpec{Image: "sha256:1", UserSpecifiedImage: "registry.internal/test:1"},
		Args:  []string{script},
	}
}

func (f *fixture) create(sandbox string, config *runtimeapi.ContainerConfig) string {
	f.t.Helper()
	id, err := f.CreateContainer(background, sandbox, config, nil)
	check(f.t, err)
	return id
}

// run starts a container of its own pod.
func (f *fixture) run(name, script string, change ...func(*runtimeapi.ContainerConfig)) string {
	f.t.Helper()
	config := containerConfig(name, script)
	for _, apply := range change {
		apply(config)
	}
	id := f.create(f.sandbox(name), config)
	check(f.t, f.StartContainer(background, id))
	return id
}

func (f *fixture) status(id string) *runtimeapi.ContainerStatus {
	f.t.Helper()
	response, err := f.ContainerStatus(background, id, false)
	check(f.t, err)
	return response.Status
}

// ended waits for the end of a container.
func (f *fixture) ended(id string) *runtimeapi.ContainerStatus {
	f.t.Helper()
	eventually(f.t, "container ended", func() bool {
		return f.status(id).State == runtimeapi.ContainerState_CONTAINER_EXITED
	})
	return f.status(id)
}

// log gives the messages of a container's log, streams and tags included.
func (f *fixture) log(id string) (lines []string) {
	f.t.Helper()
	data, err := os.ReadFile(f.status(id).LogPath)
	check(f.t, err)
	for line := range strings.Lines(string(data)) {
		stamp, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		_, err := time.Parse(time.RFC3339Nano, stamp)
		check(f.t, err)
		lines = append(lines, rest)
	}
	return lines
}

// prints waits until a container has printed a line.
func (f *fixture) prints(id, line string) {
	f.t.Helper()
	eventually(f.t, "printed "+line, func() bool {
		data, _ := os.ReadFile(f.status(id).LogPath)
		return strings.Contains(string(data), " F "+line+"\n")
	})
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if condition() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
		t.Errorf("%s: got %#v, want %#v", what, got, want)
	}
}
