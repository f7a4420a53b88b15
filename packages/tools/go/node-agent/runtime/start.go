package runtime

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"gitops-platform/tools/node-agent/shim/record"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Signals that a shim knows, see its main.go.
const (
	signalStop   = unix.SIGTERM
	signalKill   = unix.SIGQUIT
	signalReload = unix.SIGUSR1
)

// startLimit is how long a shim may take until its process runs; it takes milliseconds.
const startLimit = 10 * time.Second

// StartContainer runs the container's process and returns when it runs. A process that cannot be started leaves an
// exited container with code 128, as in other runtimes.
func (s *Service) StartContainer(_ context.Context, id string) error {
	c, err := s.find(id)
	if err != nil {
		return err
	}
	c.operation.Lock()
	defer c.operation.Unlock()
	if err := s.startable(c); err != nil {
		return err
	}
	root, image, err := s.options.Images.RootFilesystem(c.config.GetImage().GetImage())
	if err != nil {
		return err
	}
	config, err := shimConfig(c, root, image)
	if err == nil {
		err = s.freePorts(c.sandbox)
	}
	if err != nil {
		return s.startFailed(c, err)
	}
	shim, err := s.launch(c, config)
	if err != nil {
		return s.startFailed(c, err)
	}
	var exit record.Exit
	if err := record.Read(c.folder, record.ExitFile, &exit); err == nil && exit.Reason == record.StartError {
		shim.Wait()
		s.setExit(c, exit)
		return status.Error(codes.Unknown, exit.Message)
	}
	var start record.Start
	if err := record.Read(c.folder, record.StartFile, &start); err != nil {
		shim.Process.Kill()
		shim.Wait()
		return s.startFailed(c, errors.New("container-shim ended: "+lastWords(c)))
	}
	handle, err := openProcess(start.Shim)
	if err != nil {
		// Not waited for yet, so it can be opened even if it has ended.
		return s.startFailed(c, err)
	}
	s.setStart(c, start, handle)
	go s.watch(c, func() { shim.Wait() })
	return nil
}

func (s *Service) startable(c *container) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if _, err := s.readySandbox(c.sandbox.id); err != nil {
		return err
	}
	if _, found := s.containers[c.id]; !found || c.state() != runtimeapi.ContainerState_CONTAINER_CREATED {
		return status.Errorf(codes.FailedPrecondition, "container %s was started before", c.id)
	}
	return nil
}

// launch starts the shim in a session of its own and waits until it says that the process runs or cannot.
func (s *Service) launch(c *container, config record.Config) (*exec.Cmd, error) {
	lock, err := lockFile(filepath.Join(c.folder, record.LockFile))
	if err != nil {
		return nil, err
	}
	// From here on the shim alone holds it.
	defer lock.Close()
	if err := record.Write(c.folder, record.ConfigFile, config); err != nil {
		return nil, err
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	defer writer.Close()
	words, err := os.OpenFile(filepath.Join(c.folder, wordsFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer words.Close()

	shim := exec.Command(s.options.ShimPath, c.folder)
	shim.Env = []string{"GOMAXPROCS=1", markVariable + "=" + c.folder}
	shim.Stderr = words
	shim.ExtraFiles = []*os.File{lock, writer} // record.LockDescriptor, record.ReadyDescriptor
	shim.SysProcAttr = &unix.SysProcAttr{Setsid: true}
	if err := shim.Start(); err != nil {
		return nil, err
	}
	writer.Close()
	reader.SetReadDeadline(time.Now().Add(startLimit))
	io.Copy(io.Discard, reader)
	return shim, nil
}

// wordsFile gets what a shim says; it says nothing when all is well.
const wordsFile = "shim.log"

func lastWords(c *container) string {
	data, _ := os.ReadFile(filepath.Join(c.folder, wordsFile))
	return strings.TrimSpace(string(data))
}

// startFailed records a start that never came to be.
func (s *Service) startFailed(c *container, cause error) error {
	exit := record.Exit{Code: 128, Reason: record.StartError, Message: cause.Error(), FinishedAt: time.Now()}
	if err := record.Write(c.folder, record.ExitFile, exit); err != nil {
		return err
	}
	s.setExit(c, exit)
	return status.Error(codes.Unknown, cause.Error())
}

func (s *Service) setStart(c *container, start record.Start, shim *process) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	c.start, c.shim = &start, shim
	s.publish(c.sandbox, c.id, runtimeapi.ContainerEventType_CONTAINER_STARTED_EVENT)
}

func (s *Service) setExit(c *container, exit record.Exit) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if c.exit != nil {
		return
	}
	c.exit = &exit
	if c.shim != nil {
		c.shim.close()
	}
	close(c.ended)
	s.publish(c.sandbox, c.id, runtimeapi.ContainerEventType_CONTAINER_STOPPED_EVENT)
}

// watch waits for the end of a shim, and so of its container.
func (s *Service) watch(c *container, reap func()) {
	if err := c.shim.wait(); err != nil {
		return // closed: the agent lets go
	}
	reap()
	s.setExit(c, s.exitOf(c))
}

// exitOf reads how a container ended whose shim runs no more. A shim that was killed left no record, and perhaps
// processes.
func (s *Service) exitOf(c *container) record.Exit {
	var exit record.Exit
	if err := record.Read(c.folder, record.ExitFile, &exit); err == nil {
		return exit
	}
	sweep(s.options.StateDir, func(id string, _ int) bool { return id == c.id })
	exit = record.Exit{
		Code: 137, Reason: record.Error, Message: "its shim was killed: " + lastWords(c), FinishedAt: time.Now(),
	}
	record.Write(c.folder, record.ExitFile, exit)
	return exit
}
