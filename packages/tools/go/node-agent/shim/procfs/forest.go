package procfs

import "slices"

// Forest knows the descendants of some processes, its roots. It looks at each process of the machine once, when it is
// new, so that asking again costs little more than listing /proc. A root must be the reaper of its descendants, as a shim
// is: then the parent of each is always another or the root.
type Forest struct {
	roots []int
	// known gives the root of each process seen, or 0.
	known map[int]int
}

// Descendants lists for each root who descends from it now, without the root itself.
func (f *Forest) Descendants(roots ...int) map[int][]int {
	pids, err := Pids()
	if err != nil {
		return nil
	}
	slices.Sort(roots)
	if !slices.Equal(roots, f.roots) {
		// What descended from nobody may descend from a new root.
		f.roots, f.known = roots, nil
	}
	known := make(map[int]int, len(pids))
	parents := map[int]int{}
	for _, pid := range pids {
		if root, seen := f.known[pid]; seen {
			known[pid] = root
		} else if stat, err := ReadStat(pid); err == nil {
			parents[pid] = stat.Parent
		}
	}
	f.known = known
	for pid := range parents {
		f.resolve(pid, parents)
	}
	descendants := map[int][]int{}
	for pid, root := range known {
		if root != 0 {
			descendants[root] = append(descendants[root], pid)
		}
	}
	return descendants
}

// resolve finds the root of a process among its parents. One whose parent ended just now stays unknown until the next
// time, when it has another parent.
func (f *Forest) resolve(pid int, parents map[int]int) (root int, certain bool) {
	if root, seen := f.known[pid]; seen {
		return root, true
	}
	parent, found := parents[pid]
	switch {
	case pid == 0:
		return 0, true
	case !found:
		return 0, false
	case slices.Contains(f.roots, parent):
		root, certain = parent, true
	default:
		root, certain = f.resolve(parent, parents)
	}
	if certain {
		f.known[pid] = root
	}
	return root, certain
}
