// Package procfs reads about processes what /proc says.
package procfs

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Stat is a part of /proc/PID/stat.
type Stat struct {
	State  byte
	Parent int
	// Own is the processor time of the process, Waited that of the children that it waited for, in 1/100 s.
	Own, Waited uint64
	// Birth is in clock ticks since the machine started.
	Birth uint64
	// Faults and MajorFaults are the page faults so far.
	Faults, MajorFaults uint64
}

// TicksPerSecond is USER_HZ, which Linux has fixed at 100 for every program.
const TicksPerSecond = 100

// ReadStat reads /proc/PID/stat; an error means that there is no such process.
func ReadStat(pid int) (Stat, error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return Stat{}, err
	}
	return parseStat(data)
}

func parseStat(data []byte) (Stat, error) {
	// The name of the program, in parentheses, may hold spaces and parentheses.
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	if len(fields) < 20 {
		return Stat{}, fmt.Errorf("unknown format of /proc/PID/stat: %q", data)
	}
	// Numbers of proc_pid_stat(5), which counts from 1 and has the name as 2.
	field := func(number int) uint64 {
		value, _ := strconv.ParseUint(fields[number-3], 10, 64)
		return value
	}
	return Stat{
		State: fields[0][0], Parent: int(field(4)), Birth: field(22),
		Own: field(14) + field(15), Waited: field(16) + field(17),
		Faults: field(10), MajorFaults: field(12),
	}, nil
}

// Alive says whether this very process still runs; a zombie does not.
func Alive(pid int, birth uint64) bool {
	stat, err := ReadStat(pid)
	return err == nil && stat.Birth == birth && stat.State != 'Z' && stat.State != 'X'
}

// Pids lists the processes of the machine that can be seen.
func Pids() ([]int, error) {
	folder, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// Environment gives a variable of the environment that a process was started with; empty where it cannot be read.
func Environment(pid int, name string) string {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return ""
	}
	for entry := range bytes.SplitSeq(data, []byte{0}) {
		if value, found := bytes.CutPrefix(entry, []byte(name+"=")); found {
			return string(value)
		}
	}
	return ""
}

// Memory is what processes hold of the machine's memory, in bytes.
type Memory struct {
	// Anonymous is their own, Shared what files and shared memory back.
	Anonymous, Shared int64
}

// Total counts shared pages once.
func (m Memory) Total() int64 { return m.Anonymous + m.Shared }

// ReadMemory adds up the resident memory of processes; those that are gone count nothing. Pages that files back count
// once, as most are of the same program: the largest of the processes' values.
func ReadMemory(pids []int) Memory {
	var sum Memory
	for _, pid := range pids {
		data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
		if err != nil {
			continue
		}
		fields := strings.Fields(string(data))
		if len(fields) < 3 {
			continue
		}
		resident, _ := strconv.ParseInt(fields[1], 10, 64)
		shared, _ := strconv.ParseInt(fields[2], 10, 64)
		page := int64(os.Getpagesize())
		sum.Anonymous += (resident - shared) * page
		sum.Shared = max(sum.Shared, shared*page)
	}
	return sum
}

// ProportionalMemory is ReadMemory with each page divided by the number of processes that share it. It is exact for
// forks that share what they have not changed, but walks the page tables: far more work.
func ProportionalMemory(pids []int) int64 {
	var sum int64
	for _, pid := range pids {
		data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			if value, found := strings.CutPrefix(line, "Pss:"); found {
				kibibytes, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
				sum += kibibytes * 1024
			}
		}
	}
	return sum
}
