package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"gitops-platform/tools/node-agent/shim/procfs"
	"gitops-platform/tools/node-agent/shim/record"
	"golang.org/x/sys/unix"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// killLimit is how long processes may take to go after SIGKILL.
const killLimit = 10 * time.Second

// StopContainer asks the process to end and, after timeout seconds, kills it with all that descends from it.
func (s *Service) StopContainer(ctx context.Context, id string, timeout int64) error {
	c, err := s.find(id)
	if err != nil {
		return nil
	}
	return s.stop(ctx, c, time.Duration(timeout)*time.Second)
}

// stop returns once nothing of the container runs. One that was never started stays as it is.
func (s *Service) stop(ctx context.Context, c *container, grace time.Duration) error {
	// Not while it is being started: the start would go on.
	c.operation.Lock()
	s.mutex.Lock()
	shim, running := c.shim, c.state() == runtimeapi.ContainerState_CONTAINER_RUNNING
	s.mutex.Unlock()
	c.operation.Unlock()
	if !running {
		return nil
	}
	if grace > 0 {
		// A shim that has just ended is no failure: ended is closed at once.
		shim.signal(signalStop)
		if waitFor(ctx, c.ended, grace) {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	shim.signal(signalKill)
	if waitFor(ctx, c.ended, killLimit) {
		return nil
	}
	return fmt.Errorf("container %s still runs %s after SIGKILL", c.id, killLimit)
}

func waitFor(ctx context.Context, done <-chan struct{}, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// stopGrace is how long processes have to end when all of them are told to.
const stopGrace = 5 * time.Second

// Stop ends every container, SIGTERM, five seconds, SIGKILL, and with them their sandboxes. Idempotent.
func (s *Service) Stop(ctx context.Context) error {
	s.mutex.Lock()
	var failures []error
	var done, collect sync.WaitGroup
	errs := make(chan error)
	collect.Go(func() {
		for err := range errs {
			failures = append(failures, err)
		}
	})
	for _, sb := range s.sandboxes {
		if !sb.ready {
			continue
		}
		sb.stopping = true
		containers := s.containersOf(sb)
		done.Go(func() {
			var stopped sync.WaitGroup
			for _, c := range containers {
				stopped.Go(func() { s.stop(ctx, c, stopGrace) })
			}
			stopped.Wait()
			if err := s.StopPodSandbox(ctx, sb.id); err != nil {
				errs <- err
			}
		})
	}
	s.mutex.Unlock()
	done.Wait()
	close(errs)
	collect.Wait()
	sweep(s.options.StateDir, func(string, int) bool { return true })
	return errors.Join(failures...)
}

// StopAll is Stop for a state folder that no agent uses, without what New needs.
func StopAll(ctx context.Context, stateDir string) error {
	if _, err := os.Stat(stateDir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	s, err := load(Options{StateDir: stateDir})
	if err != nil {
		return err
	}
	return errors.Join(s.Stop(ctx), s.Close(ctx))
}

// sweep kills processes that carry the mark of a container of the state folder, where selected says so, until there is
// none. Marked are shims, the processes of containers, and all that descends from them unless it cleared its environment.
func sweep(stateDir string, selected func(id string, pid int) bool) {
	parent := filepath.Join(stateDir, containersFolder)
	// Twice nothing: the environment of a process that becomes another program cannot be read for a moment.
	for nothing, deadline := 0, time.Now().Add(killLimit); nothing < 2 && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		pids, _ := procfs.Pids()
		nothing++
		for _, pid := range pids {
			// The mark is read between two looks at the birth, so it is this process's.
			stat, err := procfs.ReadStat(pid)
			if err != nil {
				continue
			}
			mark := procfs.Environment(pid, markVariable)
			if mark == "" || filepath.Dir(mark) != parent || !selected(filepath.Base(mark), pid) {
				continue
			}
			if handle, err := openProcess(record.Process{Pid: pid, Birth: stat.Birth}); err == nil {
				handle.signal(unix.SIGKILL)
				handle.close()
				nothing = 0
			}
		}
	}
}
