package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	goruntime "runtime"
	"strings"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-client/pkg"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"

	"gitops-platform/tools/node-agent/shim/record"
)

// ExecSync runs a command beside the container's process and returns its output. A command that takes longer than
// timeout (0: none) is killed.
func (s *Service) ExecSync(ctx context.Context, id string, line []string, timeout time.Duration) ([]byte, []byte, error) {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	var stdout, stderr bytes.Buffer
	err := s.run(ctx, id, line, func(command *exec.Cmd) error {
		command.Stdout, command.Stderr = &stdout, &stderr
		return command.Start()
	})
	reportNotFound(err, &stderr)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("%w: %q timed out after %s", cri.ErrCommandTimedOut, strings.Join(line, " "), timeout)
	}
	return stdout.Bytes(), stderr.Bytes(), err
}

// notFound is the error of a command that is not in the image.
type notFound struct{ error }

// reportNotFound says on standard error, as a shell would, what clients and probes do not show of an exit code's error.
func reportNotFound(err error, stderr io.Writer) {
	var exit utilexec.CodeExitError
	if errors.As(err, &exit) {
		if missing, ok := exit.Err.(notFound); ok {
			fmt.Fprintln(stderr, missing)
		}
	}
}

// run starts a command in the environment of a container and waits for it. It ends with the context, the container, or
// the agent. An exit code other than 0 is a utilexec.CodeExitError.
func (s *Service) run(ctx context.Context, id string, line []string, start func(*exec.Cmd) error) error {
	c, err := s.running(id)
	if err != nil {
		return err
	}
	root, image, err := s.options.Images.RootFilesystem(c.config.GetImage().GetImage())
	if err != nil {
		return err
	}
	// As the process was started, which also an adopted container knows.
	var started record.Config
	if err := record.Read(c.folder, record.ConfigFile, &started); err != nil {
		return err
	}
	common := newCommand(c, root, image)
	common.workingDir = started.WorkingDir
	for _, entry := range started.Env {
		name, value, _ := strings.Cut(entry, "=")
		common.env[name] = value
	}
	path, args, err := common.resolve(line)
	if err != nil {
		return utilexec.CodeExitError{Err: notFound{err}, Code: 127}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-c.ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	command := exec.CommandContext(ctx, path)
	command.Args, command.Env, command.Dir = args, started.Env, started.WorkingDir
	command.SysProcAttr = &unix.SysProcAttr{Setsid: true, Pdeathsig: unix.SIGKILL}
	command.Cancel = func() error {
		if err := unix.Kill(-command.Process.Pid, unix.SIGKILL); err != nil {
			return os.ErrProcessDone
		}
		return nil
	}
	// Children that it leaves behind may hold its output for as long as they like.
	command.WaitDelay = 2 * time.Second

	// The command ends with the thread that started it (Pdeathsig), so the thread must not end before.
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	if err := start(command); err != nil {
		return err
	}
	err = command.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code := exit.ExitCode()
		if state, ok := exit.Sys().(syscall.WaitStatus); ok && state.Signaled() {
			code = 128 + int(state.Signal())
		}
		return utilexec.CodeExitError{Err: fmt.Errorf("command '%s' exited with %d", strings.Join(line, " "), code), Code: code}
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	return err
}

// running finds a container that runs.
func (s *Service) running(id string) (*container, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	c, found := s.containers[id]
	if !found {
		return nil, status.Errorf(codes.NotFound, "container %s: not found", id)
	}
	if c.state() != runtimeapi.ContainerState_CONTAINER_RUNNING {
		return nil, status.Errorf(codes.FailedPrecondition, "container %s does not run", id)
	}
	return c, nil
}

// streams serves what the streaming server asks for.
type streams struct{ service *Service }

// Exec runs a command with the streams of a client, on a terminal if it wants one.
func (s streams) Exec(ctx context.Context, id string, line []string, in io.Reader, out, err io.WriteCloser, tty bool, resize <-chan remotecommand.TerminalSize) error {
	if tty {
		return s.execTerminal(ctx, id, line, in, out, resize)
	}
	result := s.service.run(ctx, id, line, func(command *exec.Cmd) error {
		command.Stdout, command.Stderr = writer(out), writer(err)
		if in == nil {
			return command.Start()
		}
		// Not command.Stdin: Wait would wait for the client to close its end.
		stdin, failure := command.StdinPipe()
		if failure != nil {
			return failure
		}
		if failure := command.Start(); failure != nil {
			return failure
		}
		go func() {
			io.Copy(stdin, in)
			stdin.Close()
		}()
		return nil
	})
	reportNotFound(result, writer(err))
	return result
}

func writer(w io.WriteCloser) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}

func (s streams) execTerminal(ctx context.Context, id string, line []string, in io.Reader, out io.Writer, resize <-chan remotecommand.TerminalSize) error {
	var terminal *os.File
	copied := make(chan struct{})
	err := s.service.run(ctx, id, line, func(command *exec.Cmd) error {
		controller, tty, err := pty.Open()
		if err != nil {
			return err
		}
		defer tty.Close()
		terminal = controller
		command.Stdin, command.Stdout, command.Stderr = tty, tty, tty
		command.SysProcAttr.Setctty = true
		if err := command.Start(); err != nil {
			close(copied)
			return err
		}
		go func() {
			for size := range resize {
				pty.Setsize(controller, &pty.Winsize{Rows: size.Height, Cols: size.Width})
			}
		}()
		if in != nil {
			go io.Copy(controller, in)
		}
		go func() {
			defer close(copied)
			io.Copy(out, controller)
		}()
		return nil
	})
	if terminal == nil {
		reportNotFound(err, out)
		return err
	}
	// Reading ends with an error when the last process closes the terminal; one left behind may keep it open.
	select {
	case <-copied:
	case <-time.After(time.Second):
	}
	terminal.Close()
	return err
}
