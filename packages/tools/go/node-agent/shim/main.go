// Program container-shim runs the process of one container and outlives the agent that started it:
//
//	container-shim FOLDER
//
// FOLDER is the container's (see package record). The shim is the parent of the process and the reaper of all that
// descends from it: it writes the log, enforces the memory limit, records how the process ended, and leaves nothing of it
// running. When the shim itself is killed, the process ends with it.
//
// Signals: SIGTERM asks the process to end, with its own stop signal. SIGQUIT kills all of the container. SIGUSR1 reads
// the configuration again and opens the log file anew. SIGHUP and SIGINT mean nothing: who started the agent is not its
// owner.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"gitops-platform/tools/node-agent/shim/record"
	"golang.org/x/sys/unix"
)

func init() {
	// The kernel ends the process when the thread that started it ends (PDEATHSIG): that must be the main thread.
	runtime.LockOSThread()
	// There is a shim for each container, and little to collect: a small heap is worth more than the time.
	debug.SetGCPercent(20)
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: container-shim FOLDER")
		os.Exit(2)
	}
	signals := listen()
	if err := run(os.Args[1], signals); err != nil {
		fmt.Fprintln(os.Stderr, "container-shim:", err)
		os.Exit(1)
	}
}

// signals has a channel for each, so that none is lost in a queue of others.
type signals struct{ child, stop, kill, reload chan os.Signal }

func listen() signals {
	on := func(which ...os.Signal) chan os.Signal {
		channel := make(chan os.Signal, 1)
		signal.Notify(channel, which...)
		return channel
	}
	// Received and dropped: were they ignored instead, so would the process.
	on(unix.SIGHUP, unix.SIGINT)
	return signals{child: on(unix.SIGCHLD), stop: on(unix.SIGTERM), kill: on(unix.SIGQUIT), reload: on(unix.SIGUSR1)}
}

func run(folder string, on signals) error {
	// Otherwise the process would hold the lock too.
	unix.CloseOnExec(record.LockDescriptor)
	unix.CloseOnExec(record.ReadyDescriptor)
	if err := refuseSecondStart(folder); err != nil {
		return err
	}
	var config record.Config
	if err := record.Read(folder, record.ConfigFile, &config); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("PR_SET_CHILD_SUBREAPER: %w", err)
	}
	container, err := start(folder, config)
	if err != nil {
		exit := record.Exit{Code: 128, Reason: record.StartError, Message: err.Error(), FinishedAt: time.Now()}
		return record.Write(folder, record.ExitFile, exit)
	}
	if err := record.Write(folder, record.StartFile, container.start); err != nil {
		container.killAll()
		return err
	}
	unix.Close(record.ReadyDescriptor)
	exit := container.wait(on)
	container.killAll()
	container.log.drain(time.Second)
	return record.Write(folder, record.ExitFile, exit)
}

// refuseSecondStart: a container runs once, whatever its files are used for.
func refuseSecondStart(folder string) error {
	if err := unix.Flock(record.LockDescriptor, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("the lock of %s is not ours: %w", folder, err)
	}
	for _, name := range []string{record.StartFile, record.ExitFile} {
		if _, err := os.Stat(folder + "/" + name); err == nil {
			return fmt.Errorf("%s was started before", folder)
		}
	}
	return nil
}

// wait handles what happens until the process ends, and says how it did.
func (c *container) wait(on signals) record.Exit {
	memory := time.NewTicker(memoryInterval)
	defer memory.Stop()
	for {
		select {
		case <-on.child:
			if status, ended := c.reap(); ended {
				return c.exit(status)
			}
		case <-on.stop:
			// Only this goroutine reaps, so the pid is still the process's.
			syscall.Kill(c.start.Main.Pid, syscall.Signal(c.config.StopSignal))
		case <-on.kill:
			c.kill()
		case <-on.reload:
			c.reload()
		case <-memory.C:
			c.enforceMemory()
		}
	}
}

// exit gives the record of the process's end.
func (c *container) exit(status syscall.WaitStatus) record.Exit {
	exit := record.Exit{Code: status.ExitStatus(), Reason: record.Error, FinishedAt: time.Now()}
	switch {
	case status.Signaled() && status.Signal() == syscall.SIGKILL && c.exceeded != "":
		exit.Code, exit.Reason, exit.Message = 128+int(syscall.SIGKILL), record.OOMKilled, c.exceeded
	case status.Signaled():
		exit.Code = 128 + int(status.Signal())
	case exit.Code == 0:
		exit.Reason = record.Completed
	}
	return exit
}
