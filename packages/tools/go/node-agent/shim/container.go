package main

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"gitops-platform/tools/node-agent/shim/procfs"
	"gitops-platform/tools/node-agent/shim/record"
)

// container is the process and what belongs to it.
type container struct {
	folder string
	config record.Config
	start  record.Start
	log    *log
	// descendants are those found last.
	forest      procfs.Forest
	descendants []int
	looked      time.Time
	// reaped says that the process is gone, and its pid perhaps another's.
	reaped bool
	// exceeded is the message of the memory limit, once that was the reason to kill.
	exceeded string
}

// start runs the process in a session of its own, its output in the log.
func start(folder string, config record.Config) (*container, error) {
	self, err := procfs.ReadStat(os.Getpid())
	if err != nil {
		return nil, err
	}
	log, err := openLog(config.Log)
	if err != nil {
		return nil, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	var outputs []*os.File
	for _, stream := range []string{"stdout", "stderr"} {
		output, err := log.stream(stream)
		if err != nil {
			return nil, err
		}
		defer output.Close()
		outputs = append(outputs, output)
	}
	startedAt := time.Now()
	pid, err := syscall.ForkExec(config.Path, config.Args, &syscall.ProcAttr{
		Dir:   config.WorkingDir,
		Env:   config.Env,
		Files: []uintptr{null.Fd(), outputs[0].Fd(), outputs[1].Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return nil, fmt.Errorf("exec: %q: %w", config.Path, err)
	}
	// Not reaped yet, so it can be read even if it has ended.
	main, err := procfs.ReadStat(pid)
	if err != nil {
		return nil, err
	}
	return &container{
		folder: folder, config: config, log: log,
		start: record.Start{
			Shim:      record.Process{Pid: os.Getpid(), Birth: self.Birth},
			Main:      record.Process{Pid: pid, Birth: main.Birth},
			StartedAt: startedAt,
		},
	}, nil
}

// reap collects every process that ended; ended once the main one did.
func (c *container) reap() (main syscall.WaitStatus, ended bool) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return main, ended
		}
		if pid == c.start.Main.Pid {
			main, ended, c.reaped = status, true, true
		}
	}
}

func (c *container) lookForDescendants() {
	c.descendants = c.forest.Descendants(os.Getpid())[os.Getpid()]
}

// kill kills all that descends from the container's process, daemons in sessions of their own included. The process
// itself is first, or it could still answer to the end of its children.
func (c *container) kill() {
	if !c.reaped {
		syscall.Kill(c.start.Main.Pid, syscall.SIGKILL)
	}
	c.lookForDescendants()
	for _, pid := range c.descendants {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

// killAll ends whatever the process left behind, as the end of a container's first process ends all others. A process
// that the kernel does not let go of within five seconds is left to it.
func (c *container) killAll() {
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		c.reap()
		// The shim is the reaper: as long as anything descends from it, it has a child.
		if _, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err == syscall.ECHILD {
			return
		}
		c.kill()
	}
}

// reload takes over what the agent changed: the memory limit, or that the log file was moved away.
func (c *container) reload() {
	if err := record.Read(c.folder, record.ConfigFile, &c.config); err != nil {
		fmt.Fprintln(os.Stderr, "container-shim:", err)
	}
	if err := c.log.reopen(); err != nil {
		fmt.Fprintln(os.Stderr, "container-shim:", err)
	}
}
