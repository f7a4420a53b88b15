package runtime

import (
	"os"

	"gitops-platform/tools/node-agent/shim/procfs"
	"gitops-platform/tools/node-agent/shim/record"
	"golang.org/x/sys/unix"
)

// process is a handle of a process of which the agent need not be the parent.
type process struct {
	file *os.File
	pid  int
}

// openProcess fails when the process is gone, even if another has its pid now.
func openProcess(p record.Process) (*process, error) {
	fd, err := unix.PidfdOpen(p.Pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil, err
	}
	// After the handle was opened: from here on the pid is either this process's or gone.
	if stat, err := procfs.ReadStat(p.Pid); err != nil || stat.Birth != p.Birth {
		unix.Close(fd)
		return nil, os.ErrProcessDone
	}
	return &process{file: os.NewFile(uintptr(fd), "pidfd"), pid: p.Pid}, nil
}

// wait returns when the process ended (nil) or the handle was closed. It takes no thread: the handle is polled with the
// connections.
func (p *process) wait() error {
	connection, err := p.file.SyscallConn()
	if err != nil {
		return err
	}
	return connection.Read(func(fd uintptr) bool {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		for {
			ready, err := unix.Poll(poll, 0)
			if err != unix.EINTR {
				return ready > 0
			}
		}
	})
}

// signal fails with ESRCH when the process has ended.
func (p *process) signal(signal unix.Signal) error {
	connection, err := p.file.SyscallConn()
	if err != nil {
		return err
	}
	var failure error
	if err := connection.Control(func(fd uintptr) {
		failure = unix.PidfdSendSignal(int(fd), signal, nil, 0)
	}); err != nil {
		return err
	}
	return failure
}

func (p *process) close() { p.file.Close() }
