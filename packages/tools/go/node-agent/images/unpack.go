package images

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Names of the OCI image specification for what a layer removes from the ones below it.
const (
	whiteoutPrefix = ".wh."
	opaqueWhiteout = ".wh..wh..opq"
)

// unpack writes a layer's archive into an empty folder. Whiteouts stay as the files that they are in the archive.
//
// Nothing is written outside of the folder: os.Root refuses every path that leaves it, by ".." or by a symbolic link.
// Files are read-only, since images share them; owners, times and setuid bits are dropped, since a pod's processes run
// as the node's user. A symbolic link is made relative, so that it leads to the image's file without a chroot.
func unpack(archive io.Reader, folder string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	for entries := tar.NewReader(archive); ; {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("not a tar archive: %w", err)
		}
		if err := unpackEntry(root, header, entries); err != nil {
			return fmt.Errorf("%q in the archive: %w", header.Name, err)
		}
	}
}

func unpackEntry(root *os.Root, header *tar.Header, content io.Reader) error {
	if header.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	entry, err := localPath(header.Name)
	if err != nil {
		return err
	}
	if header.Typeflag == tar.TypeDir {
		return makeFolder(root, entry)
	}
	if err := makeFolder(root, path.Dir(entry)); err != nil {
		return err
	}
	// A later entry of the same name wins.
	if err := root.RemoveAll(entry); err != nil {
		return err
	}
	switch header.Typeflag {
	case tar.TypeReg:
		return writeFile(root, entry, header.FileInfo().Mode().Perm(), content)
	case tar.TypeSymlink:
		return root.Symlink(relativeTarget(entry, header.Linkname), entry)
	case tar.TypeLink:
		target, err := localPath(header.Linkname)
		if err != nil {
			return err
		}
		return root.Link(target, entry)
	default:
		return fmt.Errorf("is neither a file, a folder nor a link (type %q), and a node of processes has no others", header.Typeflag)
	}
}

// localPath is an archive's path relative to the image's root: "/app", "./app" and "app" are the same.
func localPath(name string) (string, error) {
	local := strings.TrimLeft(name, "/")
	if local == "" {
		return ".", nil
	}
	if !filepath.IsLocal(local) {
		return "", errors.New("leads out of the image")
	}
	return path.Clean(local), nil
}

// makeFolder makes a folder and those that lead to it. A file of the same name is replaced.
func makeFolder(root *os.Root, folder string) error {
	if info, err := root.Stat(folder); err == nil && info.IsDir() {
		return nil
	}
	if err := makeFolder(root, path.Dir(folder)); err != nil {
		return err
	}
	if err := root.RemoveAll(folder); err != nil {
		return err
	}
	return root.Mkdir(folder, 0o755)
}

func writeFile(root *os.Root, name string, mode fs.FileMode, content io.Reader) error {
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, copyError := io.Copy(file, content)
	// After the umask had its say.
	modeError := file.Chmod(mode&0o555 | 0o444)
	return errors.Join(copyError, modeError, file.Close())
}

// relativeTarget is what a symbolic link must hold to lead where it leads when the image's root is "/".
func relativeTarget(link, target string) string {
	folder := path.Dir("/" + link)
	if !path.IsAbs(target) {
		target = path.Join(folder, target)
	}
	relative, err := filepath.Rel(folder, path.Clean(target))
	if err != nil {
		return target
	}
	return relative
}

// addLayer adds an unpacked layer to a root file system: its files as hard links, its whiteouts as removals.
func addLayer(layer string, root *os.Root, folder string) error {
	entries, err := os.ReadDir(filepath.Join(layer, folder))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := applyWhiteout(root, folder, entry.Name()); err != nil {
			return err
		}
	}
	for _, entry := range entries {
		name := path.Join(folder, entry.Name())
		if strings.HasPrefix(entry.Name(), whiteoutPrefix) {
			continue
		}
		if entry.IsDir() {
			if err := makeFolder(root, name); err != nil {
				return err
			}
			if err := addLayer(layer, root, name); err != nil {
				return err
			}
			continue
		}
		if err := root.RemoveAll(name); err != nil {
			return err
		}
		if err := addEntry(filepath.Join(layer, name), entry, root, name); err != nil {
			return err
		}
	}
	return nil
}

func addEntry(source string, entry fs.DirEntry, root *os.Root, name string) error {
	if entry.Type()&fs.ModeSymlink == 0 {
		return hardLink(source, root, name)
	}
	target, err := os.Readlink(source)
	if err != nil {
		return err
	}
	return root.Symlink(target, name)
}

// hardLink links a file from outside of the root: os.Root opens the folder safely, and linkat follows no link.
func hardLink(source string, root *os.Root, name string) error {
	folder, err := root.Open(path.Dir(name))
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := unix.Linkat(unix.AT_FDCWD, source, int(folder.Fd()), path.Base(name), 0); err != nil {
		return &fs.PathError{Op: "linkat", Path: name, Err: err}
	}
	return nil
}

func applyWhiteout(root *os.Root, folder, name string) error {
	if !strings.HasPrefix(name, whiteoutPrefix) {
		return nil
	}
	if name != opaqueWhiteout {
		return root.RemoveAll(path.Join(folder, strings.TrimPrefix(name, whiteoutPrefix)))
	}
	opened, err := root.Open(folder)
	if err != nil {
		return err
	}
	defer opened.Close()
	hidden, err := opened.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, each := range hidden {
		if err := root.RemoveAll(path.Join(folder, each)); err != nil {
			return err
		}
	}
	return nil
}
