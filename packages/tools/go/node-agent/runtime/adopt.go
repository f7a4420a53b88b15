package runtime

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gitops-platform/tools/node-agent/shim/record"
	"golang.org/x/sys/unix"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/klog/v2"
)

// adopt makes of the state folder what the agent knew when it ended: containers that run are watched on, the exit codes
// of those that ended meanwhile are read, and what an interrupted call left is cleared. Afterwards every process with
// the mark of the folder belongs to a running container.
func (s *Service) adopt() error {
	s.addresses = newAddresses(s.options.LoopbackCIDR)
	if err := s.loadSandboxes(); err != nil {
		return err
	}
	if err := s.loadContainers(); err != nil {
		return err
	}
	sweep(s.options.StateDir, func(id string, pid int) bool {
		c := s.containers[id]
		if c == nil || c.shim == nil {
			return true
		}
		// Its own, or one of an exec that the last agent served.
		shim := c.start.Shim.Pid
		return pid != shim && !slices.Contains(s.descendants()[shim], pid)
	})
	for _, c := range s.containers {
		if c.shim != nil {
			go s.watch(c, func() {})
		}
	}
	return nil
}

func (s *Service) loadSandboxes() error {
	parent := filepath.Join(s.options.StateDir, sandboxesFolder)
	ids, err := folders(parent)
	if err != nil {
		return err
	}
	var newest int64
	var last netip.Addr
	for _, id := range ids {
		folder := filepath.Join(parent, id)
		var stored sandboxRecord
		config := &runtimeapi.PodSandboxConfig{}
		err := record.Read(folder, recordFile, &stored)
		if err == nil {
			err = unmarshal(stored.Config, config)
		}
		address, addressErr := netip.ParseAddr(stored.Address)
		if err := errors.Join(err, addressErr); err != nil {
			// Of a machine that lost its power; the kubelet makes another.
			klog.ErrorS(err, "Unreadable sandbox removed", "sandboxID", id)
			if err := removeFolder(folder); err != nil {
				return err
			}
			continue
		}
		sb := &sandbox{
			id: id, folder: folder, config: config, handler: stored.Handler, address: address,
			createdAt: stored.CreatedAt, ready: stored.Ready,
		}
		s.sandboxes[id] = sb
		if sb.ready {
			s.addresses.reserve(address)
		}
		if sb.createdAt > newest {
			newest, last = sb.createdAt, address
		}
	}
	if s.addresses.block.Contains(last) {
		s.addresses.last = last
	}
	return nil
}

func (s *Service) loadContainers() error {
	parent := filepath.Join(s.options.StateDir, containersFolder)
	ids, err := folders(parent)
	if err != nil {
		return err
	}
	for _, id := range ids {
		folder := filepath.Join(parent, id)
		var stored containerRecord
		config := &runtimeapi.ContainerConfig{}
		err := record.Read(folder, recordFile, &stored)
		if err == nil {
			err = unmarshal(stored.Config, config)
		}
		if err == nil && s.sandboxes[stored.Sandbox] == nil {
			err = errors.New("its sandbox is gone")
		}
		if err != nil {
			// Its processes, if there are any, are swept away with all that belongs to no container.
			klog.ErrorS(err, "Unreadable container removed", "containerID", id)
			if err := removeFolder(folder); err != nil {
				return err
			}
			continue
		}
		c := newContainer(id, s.sandboxes[stored.Sandbox], config, stored.CreatedAt)
		c.folder = folder
		if err := s.loadContainer(c); err != nil {
			return fmt.Errorf("container %s: %w", id, err)
		}
	}
	return nil
}

// loadContainer finds out from the lock and the shim's records what became of a container.
func (s *Service) loadContainer(c *container) error {
	lock, err := lockFile(filepath.Join(c.folder, record.LockFile))
	if err == nil {
		defer lock.Close()
		return s.loadStopped(c)
	}
	if !errors.Is(err, unix.EWOULDBLOCK) {
		return err
	}
	// A shim runs. It may be at its very beginning, or at its end.
	for deadline := time.Now().Add(startLimit); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		var start record.Start
		if err := record.Read(c.folder, record.StartFile, &start); err == nil {
			if shim, err := openProcess(start.Shim); err == nil {
				c.start, c.shim = &start, shim
				s.containers[c.id] = c
				return nil
			}
		}
		if lock, err := lockFile(filepath.Join(c.folder, record.LockFile)); err == nil {
			defer lock.Close()
			return s.loadStopped(c)
		}
	}
	return fmt.Errorf("its shim has not started the process for %s", startLimit)
}

// loadStopped takes a container that nothing runs of. One that was never started is removed, as the call that would
// have started it never returned; the kubelet makes it anew, without counting a restart.
func (s *Service) loadStopped(c *container) error {
	var start record.Start
	if err := record.Read(c.folder, record.StartFile, &start); err == nil {
		c.start = &start
	}
	if _, err := os.Stat(filepath.Join(c.folder, record.ExitFile)); err != nil && c.start == nil {
		return removeFolder(c.folder)
	}
	exit := s.exitOf(c)
	c.exit = &exit
	close(c.ended)
	s.containers[c.id] = c
	return nil
}
