package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	cri "k8s.io/cri-client/pkg"
	utilexec "k8s.io/utils/exec"
)

func TestExecSync(t *testing.T) {
	f := newFixture(t)
	id := f.run("exec", "exec sleep 60")
	stdout, stderr, err := f.ExecSync(background, id, []string{"sh", "-c", "echo $FROM_IMAGE $PWD; echo bad >&2"}, 0)
	check(t, err)
	equal(t, "stdout", string(stdout), "yes "+f.options.Images.(image).root+"/app\n")
	equal(t, "stderr", string(stderr), "bad\n")

	var exit utilexec.CodeExitError
	for line, code := range map[string]int{"sh -c exit\t9": 9, "sh -c kill\t-9\t$$": 137, "nothing": 127} {
		arguments := strings.Split(line, " ")
		for i := range arguments {
			arguments[i] = strings.ReplaceAll(arguments[i], "\t", " ")
		}
		_, _, err := f.ExecSync(background, id, arguments, 0)
		if !errors.As(err, &exit) || exit.Code != code {
			t.Errorf("%s: %v", line, err)
		}
	}

	_, stderr, _ = f.ExecSync(background, id, []string{"nothing"}, 0)
	equal(t, "stderr of a command that is missing", string(stderr), "exec: \"nothing\": executable file not found in $PATH\n")

	_, _, err = f.ExecSync(background, id, []string{"sh", "-c", "sleep 60; exit"}, 100*time.Millisecond)
	if !errors.Is(err, cri.ErrCommandTimedOut) {
		t.Errorf("timeout: %v", err)
	}
	eventually(t, "what timed out is gone", func() bool { return len(marked(f.options.StateDir)) == 2 })
}

func TestExecEndsWithTheContainer(t *testing.T) {
	f := newFixture(t)
	id := f.run("exec", "exec sleep 60")
	ended := make(chan error)
	go func() {
		_, _, err := f.ExecSync(background, id, []string{"sh", "-c", "sleep 60; exit"}, 0)
		ended <- err
	}()
	eventually(t, "exec runs", func() bool { return len(marked(f.options.StateDir)) >= 4 })
	check(t, f.StopContainer(background, id, 0))
	if <-ended == nil {
		t.Error("no error")
	}
	eventually(t, "no process", func() bool { return len(marked(f.options.StateDir)) == 0 })
	if _, _, err := f.ExecSync(background, id, []string{"sh"}, 0); err == nil {
		t.Error("exec in an ended container")
	}
}

// executor connects to an address that the runtime gave, as the API server does for kubectl.
func executor(t *testing.T, address string) remotecommand.Executor {
	parsed, err := url.Parse(address)
	check(t, err)
	executor, err := remotecommand.NewSPDYExecutor(&rest.Config{Host: parsed.Host}, "POST", parsed)
	check(t, err)
	return executor
}

func TestExecStream(t *testing.T) {
	f := newFixture(t)
	id := f.run("stream", "exec sleep 60")
	response, err := f.Exec(background, &runtimeapi.ExecRequest{
		ContainerId: id, Cmd: []string{"sh", "-c", "read line; echo got $line; echo bad >&2; exit 3"}, Stdin: true, Stdout: true, Stderr: true,
	})
	check(t, err)
	var stdout, stderr bytes.Buffer
	// The client never closes its end: the command's end must do.
	in, writer := io.Pipe()
	defer writer.Close()
	go fmt.Fprintln(writer, "input")
	err = executor(t, response.Url).StreamWithContext(background, remotecommand.StreamOptions{Stdin: in, Stdout: &stdout, Stderr: &stderr})
	if err == nil || !strings.Contains(err.Error(), "exit code 3") {
		t.Errorf("code: %v", err)
	}
	equal(t, "stdout", stdout.String(), "got input\n")
	equal(t, "stderr", stderr.String(), "bad\n")
}

func TestExecTerminal(t *testing.T) {
	f := newFixture(t)
	id := f.run("terminal", "exec sleep 60")
	response, err := f.Exec(background, &runtimeapi.ExecRequest{
		ContainerId: id, Cmd: []string{"sh", "-c", "[ -t 0 ] && [ -t 1 ] && echo a terminal; exit 4"}, Stdin: true, Stdout: true, Tty: true,
	})
	check(t, err)
	var stdout bytes.Buffer
	in, writer := io.Pipe()
	defer writer.Close()
	err = executor(t, response.Url).StreamWithContext(background, remotecommand.StreamOptions{Stdin: in, Stdout: &stdout, Tty: true})
	if err == nil || !strings.Contains(err.Error(), "exit code 4") {
		t.Errorf("code: %v", err)
	}
	equal(t, "stdout", stdout.String(), "a terminal\r\n")
}

func TestAttachFollowsTheOutput(t *testing.T) {
	f := newFixture(t)
	id := f.run("attach", `echo before; `+untilGo+`; echo after; echo bad >&2`)
	f.prints(id, "before")
	response, err := f.Attach(background, &runtimeapi.AttachRequest{ContainerId: id, Stdout: true, Stderr: true})
	check(t, err)
	var stdout, stderr bytes.Buffer
	ended := make(chan error)
	go func() {
		ended <- executor(t, response.Url).StreamWithContext(background, remotecommand.StreamOptions{Stdout: &stdout, Stderr: &stderr})
	}()
	time.Sleep(200 * time.Millisecond) // attached
	check(t, os.WriteFile(filepath.Join(f.containers[id].folder, scratchFolder, "go"), nil, 0o600))
	check(t, <-ended)
	equal(t, "stdout", stdout.String(), "after\n")
	equal(t, "stderr", stderr.String(), "bad\n")
}

func TestPortForward(t *testing.T) {
	f := newFixture(t)
	sandbox := f.sandbox("forward")
	listener, err := net.Listen("tcp", f.address(sandbox)+":0")
	check(t, err)
	defer listener.Close()
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "reached") }))

	port := listener.Addr().(*net.TCPAddr).Port
	response, err := f.PortForward(background, &runtimeapi.PortForwardRequest{PodSandboxId: sandbox, Port: []int32{int32(port)}})
	check(t, err)
	address, err := url.Parse(response.Url)
	check(t, err)
	transport, upgrader, err := spdy.RoundTripperFor(&rest.Config{})
	check(t, err)
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, "POST", address)
	stop, ready := make(chan struct{}), make(chan struct{})
	forwarder, err := portforward.New(dialer, []string{fmt.Sprintf("0:%d", port)}, stop, ready, io.Discard, io.Discard)
	check(t, err)
	go forwarder.ForwardPorts()
	<-ready
	defer close(stop)
	ports, err := forwarder.GetPorts()
	check(t, err)
	ctx, cancel := context.WithTimeout(background, 5*time.Second)
	defer cancel()
	request, _ := http.NewRequestWithContext(ctx, "GET", fmt.Sprintf("http://127.0.0.1:%d", ports[0].Local), nil)
	answer, err := http.DefaultClient.Do(request)
	check(t, err)
	body, err := io.ReadAll(answer.Body)
	check(t, err)
	equal(t, "body", string(body), "reached")
}
