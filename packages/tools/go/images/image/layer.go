package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// writeArchive writes a file or folder as an archive that depends on names, contents and run bits alone: in the order of
// the names, owned by root, of one time, with the modes 0644 and 0755. `to` is its place, without a slash at the start;
// the folders that lead there are part of the archive.
func writeArchive(out io.Writer, from, to string, modified time.Time) error {
	archive := tar.NewWriter(out)
	add := func(header tar.Header) error {
		header.ModTime = modified.Truncate(time.Second)
		return archive.WriteHeader(&header)
	}
	parts := strings.Split(path.Dir(to), "/")
	for index := range parts {
		if folder := path.Join(parts[:index+1]...); folder != "." {
			if err := add(tar.Header{Typeflag: tar.TypeDir, Name: folder + "/", Mode: 0o755}); err != nil {
				return err
			}
		}
	}
	// In lexical order.
	err := filepath.WalkDir(from, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, file)
		if err != nil {
			return err
		}
		name := path.Join(to, filepath.ToSlash(relative))
		info, err := entry.Info()
		if err != nil {
			return err
		}
		switch {
		case info.IsDir():
			return add(tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755})
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(file)
			if err != nil {
				return err
			}
			return add(tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777})
		case info.Mode().IsRegular():
			mode := int64(0o644)
			if info.Mode()&0o100 != 0 {
				mode = 0o755
			}
			if err := add(tar.Header{Typeflag: tar.TypeReg, Name: name, Size: info.Size(), Mode: mode}); err != nil {
				return err
			}
			return copyFile(archive, file)
		default:
			return fmt.Errorf("%s is neither a file, a folder nor a symbolic link", file)
		}
	})
	if err != nil {
		return err
	}
	return archive.Close()
}

func copyFile(out io.Writer, file string) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = io.Copy(out, in)
	return err
}

// layer is a v1.Layer whose digests are computed in one pass.
type layer struct {
	digest, diffID v1.Hash
	size           int64
	mediaType      types.MediaType
	compressed     func() (io.ReadCloser, error)
	uncompressed   func() (io.ReadCloser, error)
}

func (l *layer) Digest() (v1.Hash, error)             { return l.digest, nil }
func (l *layer) DiffID() (v1.Hash, error)             { return l.diffID, nil }
func (l *layer) Size() (int64, error)                 { return l.size, nil }
func (l *layer) MediaType() (types.MediaType, error)  { return l.mediaType, nil }
func (l *layer) Compressed() (io.ReadCloser, error)   { return l.compressed() }
func (l *layer) Uncompressed() (io.ReadCloser, error) { return l.uncompressed() }

// newLayer makes a layer. A compressed one is kept in memory, an uncompressed one is read again when it is sent.
func newLayer(source Layer, modified time.Time, docker bool) (*layer, error) {
	to := strings.TrimPrefix(path.Clean(source.To), "/")
	if !path.IsAbs(source.To) || to == "" {
		return nil, fmt.Errorf("the place of %s in the image must be an absolute path, and is %q", source.From, source.To)
	}
	if _, err := os.Stat(source.From); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) {
		reader, writer := io.Pipe()
		go func() { writer.CloseWithError(writeArchive(writer, source.From, to, modified)) }()
		return reader, nil
	}
	uncompressed := counter{hash: sha256.New()}
	if source.Uncompressed {
		if err := writeArchive(&uncompressed, source.From, to, modified); err != nil {
			return nil, err
		}
		digest := uncompressed.digest()
		mediaType := types.OCIUncompressedLayer
		if docker {
			mediaType = types.DockerUncompressedLayer
		}
		return &layer{digest: digest, diffID: digest, size: uncompressed.size, mediaType: mediaType, compressed: open, uncompressed: open}, nil
	}

	var content bytes.Buffer
	compressed := counter{hash: sha256.New()}
	writer := gzip.NewWriter(io.MultiWriter(&content, &compressed))
	if err := writeArchive(io.MultiWriter(writer, &uncompressed), source.From, to, modified); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	mediaType := types.OCILayer
	if docker {
		mediaType = types.DockerLayer
	}
	return &layer{
		digest: compressed.digest(), diffID: uncompressed.digest(), size: compressed.size, mediaType: mediaType,
		compressed:   func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content.Bytes())), nil },
		uncompressed: open,
	}, nil
}

// counter hashes and counts what is written to it.
type counter struct {
	hash hash.Hash
	size int64
}

func (c *counter) Write(content []byte) (int, error) {
	c.size += int64(len(content))
	return c.hash.Write(content)
}

func (c *counter) digest() v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%x", c.hash.Sum(nil))}
}
