package main

import (
	"fmt"
	"slices"
	"time"

	"gitops-platform/tools/node-agent/shim/procfs"
)

const (
	memoryInterval = 500 * time.Millisecond
	// descendantsInterval is longer, since listing the machine's processes is most of the work of a shim.
	descendantsInterval = 4 * memoryInterval
)

// enforceMemory kills the container when it holds more memory than its limit, as the kernel does with a container's
// cgroup. The kernel would refuse the page; here the limit can be passed for up to memoryInterval, or
// descendantsInterval by processes that the first one starts.
func (c *container) enforceMemory() {
	limit := c.config.MemoryLimit
	if limit <= 0 {
		return
	}
	if now := time.Now(); now.Sub(c.looked) >= descendantsInterval {
		c.looked = now
		c.lookForDescendants()
	}
	pids := append([]int{c.start.Main.Pid}, c.descendants...)
	slices.Sort(pids)
	pids = slices.Compact(pids)
	used := procfs.ReadMemory(pids).Total()
	if used > limit && len(pids) > 1 {
		// Forks share pages, which the quick sum counts for each.
		used = min(used, procfs.ProportionalMemory(pids))
	}
	if used <= limit {
		return
	}
	const mebibyte = 1 << 20
	c.exceeded = fmt.Sprintf("%d MiB used, the memory limit is %d MiB", used/mebibyte, limit/mebibyte)
	c.kill()
}
