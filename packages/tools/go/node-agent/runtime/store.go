package runtime

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gitops-platform/tools/node-agent/shim/record"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// The state folder, and the order of writes that lets the agent be killed between any two:
//
//	lock                      held by the agent that uses the folder
//	sandboxes/ID/record.json  a sandbox exists from the rename of its folder on
//	containers/ID/record.json a container exists from the rename of its folder on
//	containers/ID/lock        locked before the shim starts and until it ends (the shim inherits it)
//	containers/ID/shim.json   written before the shim starts
//	containers/ID/start.json  written by the shim when the process runs
//	containers/ID/exit.json   written by the shim when nothing of it runs
//	containers/ID/tmp         the process's TMPDIR where no volume is mounted at /tmp
//
// Folders whose name begins with a dot are half made or half removed. A free lock with neither start.json nor exit.json
// is a container that was never started. A free lock with start.json alone is one whose shim was killed.
const (
	sandboxesFolder  = "sandboxes"
	containersFolder = "containers"
	recordFile       = "record.json"
)

// sandboxRecord is the file of a sandbox.
type sandboxRecord struct {
	Config    json.RawMessage `json:"config"`
	Handler   string          `json:"handler,omitempty"`
	Address   string          `json:"address"`
	CreatedAt int64           `json:"createdAt"`
	Ready     bool            `json:"ready"`
}

// containerRecord is the file of a container.
type containerRecord struct {
	Sandbox string `json:"sandbox"`
	// Config lacks the environment, which is only needed for the start.
	Config    json.RawMessage `json:"config"`
	CreatedAt int64           `json:"createdAt"`
}

// errInUse says that an agent uses the state folder.
var errInUse = errors.New("another node-agent uses it")

// lockState makes the state folder and takes its lock, which the end of the process releases, however it ends.
func lockState(dir string) (*os.File, error) {
	for _, name := range []string{sandboxesFolder, containersFolder} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			return nil, err
		}
	}
	// An agent that was killed while it started a shim leaves a copy of the lock to a process that is about to become it.
	for deadline := time.Now().Add(time.Second); ; time.Sleep(5 * time.Millisecond) {
		lock, err := lockFile(filepath.Join(dir, record.LockFile))
		switch {
		case err == nil:
			return lock, nil
		case !errors.Is(err, unix.EWOULDBLOCK):
			return nil, err
		case time.Now().After(deadline):
			return nil, fmt.Errorf("state folder %s: %w", dir, errInUse)
		}
	}
}

// lockFile fails with EWOULDBLOCK when somebody else holds the lock.
func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// newID is as random and as long as a container runtime's.
func newID() string {
	var bytes [32]byte
	rand.Read(bytes[:])
	return hex.EncodeToString(bytes[:])
}

// createFolder makes parent/id with a record in it, whole or not at all.
func createFolder(parent, id string, value any, subfolders ...string) (string, error) {
	temporary, folder := filepath.Join(parent, "."+id), filepath.Join(parent, id)
	if err := os.Mkdir(temporary, 0o700); err != nil {
		return "", err
	}
	for _, name := range subfolders {
		if err := os.Mkdir(filepath.Join(temporary, name), 0o700); err != nil {
			return "", err
		}
	}
	if err := record.Write(temporary, recordFile, value); err != nil {
		return "", err
	}
	return folder, os.Rename(temporary, folder)
}

// removeFolder removes what createFolder made; interrupted, it leaves a folder that folders clears.
func removeFolder(folder string) error {
	temporary := filepath.Join(filepath.Dir(folder), "."+filepath.Base(folder))
	if err := os.Rename(folder, temporary); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.RemoveAll(temporary)
}

// folders lists the ids below parent, and clears what is half made or half removed.
func folders(parent string) ([]string, error) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), ".") {
			ids = append(ids, entry.Name())
		} else if err := os.RemoveAll(filepath.Join(parent, entry.Name())); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

func marshal(message proto.Message) (json.RawMessage, error) { return protojson.Marshal(message) }

func unmarshal(data json.RawMessage, message proto.Message) error {
	return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(data, message)
}
