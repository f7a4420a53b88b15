package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	cadvisorapi "github.com/google/cadvisor/info/v1"
	cadvisorapiv2 "github.com/google/cadvisor/info/v2"
	"golang.org/x/sys/unix"
)

// machine tells the kubelet about this machine, in place of cAdvisor, which would watch all of its cgroups.
type machine struct {
	// node is unique, unlike the id of the machine that several nodes share.
	node string
	// folder is on the file system that images, volumes and logs are on.
	folder string
}

func (m machine) Start() error { return nil }

func (m machine) MachineInfo() (*cadvisorapi.MachineInfo, error) {
	memory, err := readMemory()
	if err != nil {
		return nil, err
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return nil, err
	}
	return &cadvisorapi.MachineInfo{
		NumCores:       runtime.NumCPU(),
		MemoryCapacity: memory.total,
		MachineID:      m.node,
		SystemUUID:     m.node,
		BootID:         strings.TrimSpace(string(boot)),
	}, nil
}

func (m machine) VersionInfo() (*cadvisorapi.VersionInfo, error) {
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return nil, err
	}
	return &cadvisorapi.VersionInfo{
		KernelVersion:      strings.TrimSpace(string(kernel)),
		ContainerOsVersion: "processes of this machine",
	}, nil
}

// allPods is the name of the cgroup that all pods would be in.
const allPods = "/pods"

// ContainerInfoV2 knows the machine as "/", and also as what all pods together use: they have no limit of their own.
func (m machine) ContainerInfoV2(name string, _ cadvisorapiv2.RequestOptions) (map[string]cadvisorapiv2.ContainerInfo, error) {
	if name != "/" && name != allPods {
		return nil, nil
	}
	memory, err := readMemory()
	if err != nil {
		return nil, err
	}
	busy, boot, err := readProcessorTime()
	if err != nil {
		return nil, err
	}
	stats := &cadvisorapiv2.ContainerStats{
		Timestamp: time.Now(),
		Cpu:       &cadvisorapi.CpuStats{Usage: cadvisorapi.CpuUsage{Total: uint64(busy)}},
		Memory:    &cadvisorapi.MemoryStats{Usage: memory.total - memory.free, WorkingSet: memory.total - memory.available},
	}
	return map[string]cadvisorapiv2.ContainerInfo{name: {
		Spec: cadvisorapiv2.ContainerSpec{
			CreationTime: boot,
			HasCpu:       true,
			HasMemory:    true,
			Memory:       cadvisorapiv2.MemorySpec{Limit: memory.total},
		},
		Stats: []*cadvisorapiv2.ContainerStats{stats},
	}}, nil
}

func (m machine) GetRequestedContainersInfo(
	string, cadvisorapiv2.RequestOptions,
) (map[string]*cadvisorapi.ContainerInfo, error) {
	return nil, nil
}

func (m machine) ImagesFsInfo(context.Context) (cadvisorapiv2.FsInfo, error) { return m.RootFsInfo() }
func (m machine) ContainerFsInfo(context.Context) (cadvisorapiv2.FsInfo, error) {
	return m.RootFsInfo()
}
func (m machine) RootFsInfo() (cadvisorapiv2.FsInfo, error) { return m.GetDirFsInfo(m.folder) }

func (m machine) GetDirFsInfo(path string) (cadvisorapiv2.FsInfo, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil {
		return cadvisorapiv2.FsInfo{}, fmt.Errorf("the file system of %s: %w", path, err)
	}
	size := uint64(fs.Bsize)
	return cadvisorapiv2.FsInfo{
		Timestamp:  time.Now(),
		Device:     "local",
		Mountpoint: m.folder,
		Capacity:   fs.Blocks * size,
		Available:  fs.Bavail * size,
		Usage:      (fs.Blocks - fs.Bfree) * size,
		Inodes:     &fs.Files,
		InodesFree: &fs.Ffree,
	}, nil
}

// Bytes.
type memory struct{ total, free, available uint64 }

func readMemory() (memory, error) {
	var result memory
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return result, err
	}
	fields := map[string]*uint64{"MemTotal:": &result.total, "MemFree:": &result.free, "MemAvailable:": &result.available}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) < 2 || fields[words[0]] == nil {
			continue
		}
		kibibytes, err := strconv.ParseUint(words[1], 10, 64)
		if err != nil {
			return result, fmt.Errorf("/proc/meminfo: %q: %w", lines.Text(), err)
		}
		*fields[words[0]] = kibibytes * 1024
	}
	return result, lines.Err()
}

// Linux counts processor time for programs in hundredths of a second, whatever the kernel's own clock is.
const tick = 10 * time.Millisecond

// readProcessorTime gives the time that all processors worked since the start of the machine, and that start.
func readProcessorTime() (busy time.Duration, boot time.Time, err error) {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, boot, err
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) > 8 && words[0] == "cpu":
			// user, nice, system, idle, iowait, irq, softirq, steal
			for _, index := range []int{1, 2, 3, 6, 7, 8} {
				ticks, err := strconv.ParseInt(words[index], 10, 64)
				if err != nil {
					return 0, boot, fmt.Errorf("/proc/stat: %q: %w", lines.Text(), err)
				}
				busy += time.Duration(ticks) * tick
			}
		case len(words) == 2 && words[0] == "btime":
			seconds, err := strconv.ParseInt(words[1], 10, 64)
			if err != nil {
				return 0, boot, fmt.Errorf("/proc/stat: %q: %w", lines.Text(), err)
			}
			boot = time.Unix(seconds, 0)
		}
	}
	return busy, boot, lines.Err()
}
