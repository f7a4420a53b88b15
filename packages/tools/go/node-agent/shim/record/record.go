// Package record is what the container runtime and the shim of a container tell each other: three files in the folder of
// the container, each written once by one side, whole or not at all.
package record

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Names of the files in the folder of a container.
const (
	// LockFile is locked by the agent before it starts the shim, which inherits the lock and holds it until it ends: who
	// gets the lock knows that no shim runs, and none can start.
	LockFile = "lock"
	// ConfigFile holds a Config, written by the agent before the start.
	ConfigFile = "shim.json"
	// StartFile holds a Start, written by the shim once the process runs.
	StartFile = "start.json"
	// ExitFile holds an Exit, written by the shim once nothing of the container runs and its log is complete.
	ExitFile = "exit.json"
)

// File descriptors that the agent gives to the shim.
const (
	LockDescriptor = 3
	// ReadyDescriptor is a pipe that the shim closes once StartFile or ExitFile is written.
	ReadyDescriptor = 4
)

// Config is what to run.
type Config struct {
	// Path is the program, Args its arguments with its own name first.
	Path string   `json:"path"`
	Args []string `json:"args"`
	Env  []string `json:"env"`
	// WorkingDir must exist.
	WorkingDir string `json:"workingDir"`
	// Log is the file that gets the output, in the format of the container runtime interface.
	Log string `json:"log"`
	// StopSignal is the number of the signal that asks the process to end.
	StopSignal int `json:"stopSignal"`
	// MemoryLimit is in bytes; 0 is none.
	MemoryLimit int64 `json:"memoryLimit"`
}

// Process names a process for good: a pid is used again, a pid with its time of birth is not.
type Process struct {
	Pid int `json:"pid"`
	// Birth is in clock ticks since the machine started (field 22 of /proc/PID/stat).
	Birth uint64 `json:"birth"`
}

// Start is what runs.
type Start struct {
	Shim      Process   `json:"shim"`
	Main      Process   `json:"main"`
	StartedAt time.Time `json:"startedAt"`
}

// Exit is how it ended.
type Exit struct {
	// Code is 128 + the signal for a process that a signal ended, 128 for one that could not be started.
	Code int `json:"code"`
	// Reason is one of Kubernetes' own: Completed, Error, OOMKilled, StartError.
	Reason     string    `json:"reason"`
	Message    string    `json:"message,omitempty"`
	FinishedAt time.Time `json:"finishedAt"`
}

// Reasons of an Exit.
const (
	Completed  = "Completed"
	Error      = "Error"
	OOMKilled  = "OOMKilled"
	StartError = "StartError"
)

// Write replaces dir/name by value as JSON, whole or not at all. Only its owner can read it: it may hold Secrets.
func Write(dir, name string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	temporary := filepath.Join(dir, "."+name)
	if err := os.WriteFile(temporary, data, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, filepath.Join(dir, name))
}

// Read reads what Write wrote; errors.Is(err, os.ErrNotExist) where nothing was.
func Read(dir, name string, value any) error {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, value); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
	}
	return nil
}
