package images

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/v1"
)

// store is a folder of unpacked images:
//
//	layers/<diff ID>/      a layer's files, unpacked once for all images that have it
//	images/<image ID>/     image.json, and rootfs/ of hard links into its layers
//	unfinished/            what is being made; emptied at the start
//
// Everything is made in unfinished/ and renamed, so that what has its name is whole.
type store struct {
	folder string
	mutex  sync.Mutex
	images map[string]image
}

// image is what image.json holds.
type image struct {
	// ID is the digest of the configuration, as in other runtimes.
	ID string `json:"id"`
	// References are the names that it was pulled by: repository:tag and repository@digest.
	References []string `json:"references"`
	// Layers are the digests of the uncompressed layers, lowest first.
	Layers []string `json:"layers"`
	// Size is the sum of its files in bytes; layers that it shares with others count in full.
	Size   int64     `json:"size"`
	Config v1.Config `json:"config"`
}

func openStore(folder string) (*store, error) {
	s := &store{folder: folder, images: map[string]image{}}
	if err := os.RemoveAll(filepath.Join(folder, "unfinished")); err != nil {
		return nil, err
	}
	for _, part := range []string{"layers", "images", "unfinished"} {
		if err := os.MkdirAll(filepath.Join(folder, part), 0o755); err != nil {
			return nil, err
		}
	}
	entries, err := os.ReadDir(filepath.Join(folder, "images"))
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		file := filepath.Join(folder, "images", entry.Name(), "image.json")
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var stored image
		if err := json.Unmarshal(content, &stored); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		s.images[stored.ID] = stored
	}
	return s, nil
}

// encoded is a digest as a file name: its hash alone.
func encoded(digest string) string { return strings.TrimPrefix(digest, "sha256:") }

func (s *store) layerFolder(diffID string) string {
	return filepath.Join(s.folder, "layers", encoded(diffID))
}

func (s *store) imageFolder(id string) string {
	return filepath.Join(s.folder, "images", encoded(id))
}

func (s *store) rootFilesystem(id string) string {
	return filepath.Join(s.imageFolder(id), "rootfs")
}

// make fills a folder and puts it in place whole.
func (s *store) make(target string, fill func(folder string) error) error {
	scratch, err := os.MkdirTemp(filepath.Join(s.folder, "unfinished"), "")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	if err := os.Chmod(scratch, 0o755); err != nil {
		return err
	}
	if err := fill(scratch); err != nil {
		return err
	}
	return os.Rename(scratch, target)
}

func (s *store) hasLayer(diffID string) bool {
	_, err := os.Stat(s.layerFolder(diffID))
	return err == nil
}

// addLayer unpacks a layer and keeps it if its digest is right.
func (s *store) addLayer(diffID string, archive io.Reader) error {
	return s.make(s.layerFolder(diffID), func(folder string) error {
		hash := sha256.New()
		read := io.TeeReader(archive, hash)
		unpackError := unpack(read, folder)
		// To the very end, which is beyond that of the archive.
		if _, err := io.Copy(io.Discard, read); err != nil {
			return err
		}
		if actual := "sha256:" + hex.EncodeToString(hash.Sum(nil)); actual != diffID {
			return fmt.Errorf("digest mismatch: its content is %s, and the image's configuration says %s", actual, diffID)
		}
		return unpackError
	})
}

// addImage makes the root file system of an image whose layers are all there, or adds the reference to one that is.
func (s *store) addImage(added image, name string) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if stored, ok := s.images[added.ID]; ok {
		added = stored
	} else if err := s.make(s.imageFolder(added.ID), func(folder string) error { return s.compose(folder, added) }); err != nil {
		return err
	}
	// A tag may have been moved: it names the image that was pulled last.
	for _, other := range s.images {
		if other.ID != added.ID && slices.Contains(other.References, name) {
			other.References = slices.DeleteFunc(slices.Clone(other.References), func(each string) bool { return each == name })
			if err := s.record(other); err != nil {
				return err
			}
		}
	}
	if !slices.Contains(added.References, name) {
		added.References = append(slices.Clone(added.References), name)
	}
	return s.record(added)
}

func (s *store) compose(folder string, composed image) error {
	rootfs := filepath.Join(folder, "rootfs")
	if err := os.Mkdir(rootfs, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(rootfs)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, diffID := range composed.Layers {
		if err := addLayer(s.layerFolder(diffID), root, "."); err != nil {
			return err
		}
	}
	return writeRecord(folder, composed)
}

func (s *store) record(changed image) error {
	if err := writeRecord(s.imageFolder(changed.ID), changed); err != nil {
		return err
	}
	s.images[changed.ID] = changed
	return nil
}

func writeRecord(folder string, written image) error {
	content, err := json.MarshalIndent(written, "", "  ")
	if err != nil {
		return err
	}
	file := filepath.Join(folder, "image.json")
	if err := os.WriteFile(file+".new", content, 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// find gives the image of an ID or a reference.
func (s *store) find(name string) (image, bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if found, ok := s.images[name]; ok {
		return found, true
	}
	parsed, err := parseReference(name)
	if err != nil {
		return image{}, false
	}
	for _, each := range s.images {
		if slices.Contains(each.References, parsed.String()) {
			return each, true
		}
	}
	return image{}, false
}

// list gives all images, ordered by ID.
func (s *store) list() []image {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	all := make([]image, 0, len(s.images))
	for _, each := range s.images {
		all = append(all, each)
	}
	slices.SortFunc(all, func(a, b image) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// remove removes an image and the layers that no other image has. No pull may be at work.
func (s *store) remove(removed image) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	scratch, err := os.MkdirTemp(filepath.Join(s.folder, "unfinished"), "removed-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	if err := os.Rename(s.imageFolder(removed.ID), filepath.Join(scratch, "image")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	delete(s.images, removed.ID)

	kept := map[string]bool{}
	for _, each := range s.images {
		for _, diffID := range each.Layers {
			kept[encoded(diffID)] = true
		}
	}
	layers, err := os.ReadDir(filepath.Join(s.folder, "layers"))
	if err != nil {
		return err
	}
	for _, layer := range layers {
		if kept[layer.Name()] {
			continue
		}
		if err := os.Rename(filepath.Join(s.folder, "layers", layer.Name()), filepath.Join(scratch, layer.Name())); err != nil {
			return err
		}
	}
	return nil
}

// usage counts the bytes and inodes of all layers. Root file systems are hard links into them.
func (s *store) usage() (bytes, inodes uint64, err error) {
	return usageOf(filepath.Join(s.folder, "layers"))
}

func usageOf(folder string) (bytes, inodes uint64, err error) {
	err = filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed meanwhile
		}
		if err != nil {
			return err
		}
		inodes++
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			bytes += uint64(info.Size())
		}
		return nil
	})
	return bytes, inodes, err
}
