package main

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
	// Zones are known here wherever the system has no database of them.
	_ "time/tzdata"
	_ "unsafe"

	"github.com/robfig/cron/v3"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
)

// Windows asks what sync windows of a project do at other moments than now, by Argo CD's own code.
type Windows struct {
	Windows v1alpha1.SyncWindows `json:"windows"`
	// Stretches without a change of the active windows are reported for this time.
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	// Moments at which to ask whether a sync may begin.
	Moments []time.Time `json:"moments"`
}

type WindowsAnswer struct {
	// What is wrong with each window; empty where nothing is. Where any is wrong, nothing else is answered.
	Problems []WindowProblem `json:"problems"`
	// The times during which windows are active, in order.
	Stretches []Stretch `json:"stretches"`
	Moments   []Moment  `json:"moments"`
}

type WindowProblem struct {
	// The field of the window.
	Field string `json:"field"`
	Rule  string `json:"rule"`
}

type Stretch struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	// The windows that are active, by their index.
	Active []int `json:"active"`
}

type Moment struct {
	// Whether a sync may begin: by Argo CD itself, and by a person.
	Automated bool `json:"automated"`
	Manual    bool `json:"manual"`
}

//go:linkname activeAt github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1.(*SyncWindows).active
func activeAt(windows *v1alpha1.SyncWindows, moment time.Time) (*v1alpha1.SyncWindows, error)

//go:linkname canSyncAt github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1.(*SyncWindows).canSyncAtTime
func canSyncAt(windows *v1alpha1.SyncWindows, isManual bool, moment time.Time) (bool, error)

// The parser of Argo CD's SyncWindows.
var schedules = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

func windows(job Windows) (WindowsAnswer, error) {
	result := WindowsAnswer{Problems: make([]WindowProblem, len(job.Windows)), Stretches: []Stretch{}, Moments: []Moment{}}
	isWrong := false
	for i, window := range job.Windows {
		result.Problems[i] = problemOf(window)
		isWrong = isWrong || result.Problems[i].Rule != ""
	}
	if isWrong {
		return result, nil
	}
	stretches, err := stretchesOf(job)
	if err != nil {
		return result, err
	}
	result.Stretches = stretches
	for _, moment := range job.Moments {
		asked, err := at(job.Windows, moment)
		if err != nil {
			return result, err
		}
		var answer Moment
		if answer.Automated, err = canSyncAt(&asked, false, moment); err != nil {
			return result, err
		}
		if answer.Manual, err = canSyncAt(&asked, true, moment); err != nil {
			return result, err
		}
		result.Moments = append(result.Moments, answer)
	}
	return result, nil
}

// problemOf is what is wrong with a window. Argo CD takes an unknown time zone for UTC, and an error in any window stops every sync
// of the project.
func problemOf(window *v1alpha1.SyncWindow) WindowProblem {
	schedule, err := schedules.Parse(window.Schedule)
	if err != nil {
		return WindowProblem{"schedule", err.Error()}
	}
	if schedule.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return WindowProblem{"schedule", "never comes: there is no such day"}
	}
	if _, err := time.LoadLocation(window.TimeZone); err != nil {
		return WindowProblem{"timeZone", err.Error()}
	}
	if duration, err := time.ParseDuration(window.Duration); err != nil {
		return WindowProblem{"duration", err.Error()}
	} else if duration <= 0 {
		return WindowProblem{"duration", "must be longer than nothing"}
	}
	if err := window.DeepCopy().Validate(); err != nil {
		return WindowProblem{"description", err.Error()}
	}
	return WindowProblem{}
}

// stretchesOf asks once between any two moments at which the active windows may change.
func stretchesOf(job Windows) ([]Stretch, error) {
	moments := []time.Time{job.From, job.Until}
	for _, window := range job.Windows {
		changes, err := changesOf(window, job.From, job.Until)
		if err != nil {
			return nil, err
		}
		moments = append(moments, changes...)
	}
	slices.SortFunc(moments, time.Time.Compare)
	stretches := []Stretch{}
	for i, start := range moments[:len(moments)-1] {
		end := moments[i+1]
		if !end.After(start) || start.Before(job.From) || end.After(job.Until) {
			continue
		}
		active, err := activeBetween(job.Windows, start, end)
		if err != nil {
			return nil, err
		}
		last := len(stretches) - 1
		if len(active) == 0 {
			continue
		}
		if last >= 0 && stretches[last].End.Equal(start) && slices.Equal(stretches[last].Active, active) {
			stretches[last].End = end
		} else {
			stretches = append(stretches, Stretch{Start: start, End: end, Active: active})
		}
	}
	return stretches, nil
}

func activeBetween(windows v1alpha1.SyncWindows, start, end time.Time) ([]int, error) {
	moment := start.Add(end.Sub(start) / 2)
	asked, err := at(windows, moment)
	if err != nil {
		return nil, err
	}
	active, err := activeAt(&asked, moment)
	if err != nil || active == nil {
		return nil, err
	}
	indexes := []int{}
	for _, window := range *active {
		indexes = append(indexes, slices.Index(asked, window))
	}
	return indexes, nil
}

// changesOf is when a window may begin or end, and when the clocks of its zone change.
func changesOf(window *v1alpha1.SyncWindow, from, until time.Time) ([]time.Time, error) {
	schedule, err := schedules.Parse(window.Schedule)
	if err != nil {
		return nil, err
	}
	duration, err := time.ParseDuration(window.Duration)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(window.TimeZone)
	if err != nil {
		return nil, err
	}
	changes := []time.Time{}
	// A window is active by the clock on the wall, which is kept in UTC here. Around a change of the clocks one reading of the
	// clock may be two moments, or none.
	onWall := func(reading time.Time) {
		for _, day := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
			_, offset := reading.Add(day).In(zone).Zone()
			changes = append(changes, reading.Add(-time.Duration(offset)*time.Second))
		}
	}
	const around = 48 * time.Hour
	last := until.UTC().Add(around)
	for start := schedule.Next(from.UTC().Add(-duration - around)); !start.IsZero() && start.Before(last); start = schedule.Next(start) {
		onWall(start)
		onWall(start.Add(duration))
	}
	for moment := from.In(zone); ; {
		_, end := moment.ZoneBounds()
		if end.IsZero() || end.After(until) {
			return changes, nil
		}
		changes = append(changes, end.UTC())
		moment = end
	}
}

// at gives the windows as Argo CD would read them at a moment. It takes the offset of a zone from the present time, since it asks
// about no other; here each zone becomes one that always has the offset of the moment.
func at(windows v1alpha1.SyncWindows, moment time.Time) (v1alpha1.SyncWindows, error) {
	asked := make(v1alpha1.SyncWindows, len(windows))
	for i, window := range windows {
		zone, err := time.LoadLocation(window.TimeZone)
		if err != nil {
			return nil, err
		}
		_, offset := moment.In(zone).Zone()
		asked[i] = window.DeepCopy()
		if asked[i].TimeZone, err = fixed.zone(offset); err != nil {
			return nil, err
		}
	}
	return asked, nil
}

// fixed are zones that never change, by their offset in seconds, as files for time.LoadLocation.
var fixed zones

type zones struct {
	folder string
	known  sync.Map
}

// openZones has to be called before any zone is loaded.
func openZones(folder string) error {
	fixed.folder = filepath.Join(folder, "zones")
	return cmp.Or(os.Mkdir(fixed.folder, 0o700), os.Setenv("ZONEINFO", fixed.folder))
}

func (z *zones) zone(offset int) (string, error) {
	name := "offset" + strconv.Itoa(offset)
	write, _ := z.known.LoadOrStore(offset, sync.OnceValue(func() error {
		// RFC 9636: a header with the counts of what follows, and one kind of local time with its abbreviation.
		file := append([]byte("TZif"), make([]byte, 16)...)
		for _, count := range []uint32{0, 0, 0, 0, 1, 4} {
			file = binary.BigEndian.AppendUint32(file, count)
		}
		file = binary.BigEndian.AppendUint32(file, uint32(int32(offset)))
		file = append(file, 0, 0)
		file = append(file, "FIX\x00"...)
		return os.WriteFile(filepath.Join(z.folder, name), file, 0o600)
	}))
	if err := write.(func() error)(); err != nil {
		return "", fmt.Errorf("zone %s: %w", name, err)
	}
	return name, nil
}
