package procfs

// Tree follows the descendants of a process. Each process of the machine is looked at once, when it is new, so that
// following costs little more than listing /proc. The root must be the reaper of its descendants, as a shim is: then
// the parent of one of them is always another or the root.
type Tree struct {
	root int
	// known says of each process seen whether it descends from the root.
	known map[int]bool
}

// NewTree follows the descendants of a process.
func NewTree(root int) *Tree {
	return &Tree{root: root, known: map[int]bool{}}
}

// Descendants lists who descends from the root now; the root is not among them.
func (t *Tree) Descendants() []int {
	pids, err := Pids()
	if err != nil {
		return nil
	}
	before := t.known
	t.known = make(map[int]bool, len(pids))
	unknown := map[int]int{}
	for _, pid := range pids {
		if descends, seen := before[pid]; seen {
			t.known[pid] = descends
		} else if stat, err := ReadStat(pid); err == nil {
			unknown[pid] = stat.Parent
		}
	}
	for pid := range unknown {
		t.resolve(pid, unknown)
	}
	var descendants []int
	for pid, descends := range t.known {
		if descends {
			descendants = append(descendants, pid)
		}
	}
	return descendants
}

// resolve finds out about a new process through its parents. One whose parent ended just now stays unknown until the
// next time, when it has another parent.
func (t *Tree) resolve(pid int, parents map[int]int) (descends, certain bool) {
	if pid == t.root {
		return true, true
	}
	if descends, seen := t.known[pid]; seen {
		return descends, true
	}
	parent, found := parents[pid]
	if !found {
		return false, false
	}
	if parent == 0 {
		descends, certain = false, true
	} else {
		descends, certain = t.resolve(parent, parents)
	}
	if certain {
		t.known[pid] = descends
	}
	return descends, certain
}
