package procfs

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

func TestStatOfAProgramWithAnOddName(t *testing.T) {
	stat, err := parseStat([]byte("7 (a) b (c) S 1 7 7 0 -1 4194560 120 0 3 0 5 6 7 8 20 0 1 0 4242 1 1 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := Stat{State: 'S', Parent: 1, Own: 11, Waited: 15, Birth: 4242, Faults: 120, MajorFaults: 3}
	if stat != want {
		t.Errorf("got %+v, want %+v", stat, want)
	}
	if _, err := parseStat([]byte("7 (a) S 1")); err == nil {
		t.Error("a short line is no error")
	}
}

func TestBirthTellsProcessesApart(t *testing.T) {
	self, err := ReadStat(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if !Alive(os.Getpid(), self.Birth) || Alive(os.Getpid(), self.Birth+1) {
		t.Error("alive is whoever has the pid")
	}
}

// start runs a shell with a child and returns when both run.
func start(t *testing.T, f *Forest, roots ...int) *exec.Cmd {
	t.Helper()
	command := exec.Command("sh", "-c", "sleep 60; exit")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, pid := range f.Descendants(command.Process.Pid)[command.Process.Pid] {
			process, _ := os.FindProcess(pid)
			process.Kill()
		}
		command.Process.Kill()
		command.Wait()
	})
	return command
}

func TestForest(t *testing.T) {
	var f Forest
	first := start(t, &f)
	// Seen before it is a root.
	f.Descendants(first.Process.Pid)
	second := start(t, &f)
	one, two := first.Process.Pid, second.Process.Pid
	var found map[int][]int
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		found = f.Descendants(two, one)
		if len(found[one]) == 1 && len(found[two]) == 1 {
			break
		}
	}
	if len(found) != 2 || len(found[one]) != 1 || len(found[two]) != 1 || found[one][0] == found[two][0] {
		t.Fatalf("descendants of %d and %d: %v", one, two, found)
	}
	if self := f.Descendants(os.Getpid())[os.Getpid()]; !slices.Contains(self, one) || !slices.Contains(self, found[two][0]) {
		t.Errorf("descendants of the test: %v, without %d and %d", self, one, found[two][0])
	}
}
