package images

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// scene is a registry and a node that pulls from it.
type scene struct {
	t       *testing.T
	address string
	// requests counts what the registry was asked for, by method and path.
	requests func() []string
	// answer, when set, may answer in the registry's place; it says whether it did.
	answer func(http.ResponseWriter, *http.Request) bool
	node   *Service
	folder string
}

func newScene(t *testing.T) *scene {
	s := &scene{t: t, folder: t.TempDir()}
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	asked := make(chan string, 10_000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.URL.Path
		if s.answer == nil || !s.answer(w, r) {
			handler.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	s.requests = func() []string {
		var all []string
		for {
			select {
			case one := <-asked:
				all = append(all, one)
			default:
				return all
			}
		}
	}
	s.address = strings.TrimPrefix(server.URL, "http://")
	s.node = s.open(nil)
	return s
}

// open is a node with the folder of the scene, as after a restart.
func (s *scene) open(inUse func(string) bool) *Service {
	node, err := New(Options{Folder: s.folder, Mirrors: map[string]string{"registry.internal": s.address}, InUse: inUse})
	if err != nil {
		s.t.Fatal(err)
	}
	return node
}

// push pushes an image to the registry and gives its name at registry.internal, by digest.
func (s *scene) push(tag string, pushed v1.Image) string {
	s.t.Helper()
	ref, err := name.NewTag(s.address + "/" + tag)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := remote.Write(ref, pushed); err != nil {
		s.t.Fatal(err)
	}
	digest, err := pushed.Digest()
	if err != nil {
		s.t.Fatal(err)
	}
	s.requests()
	return "registry.internal/" + tag + "@" + digest.String()
}

// pushIndex is push for an index of images.
func (s *scene) pushIndex(tag string, pushed v1.ImageIndex) string {
	s.t.Helper()
	ref, err := name.NewTag(s.address + "/" + tag)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, pushed); err != nil {
		s.t.Fatal(err)
	}
	digest, err := pushed.Digest()
	if err != nil {
		s.t.Fatal(err)
	}
	return "registry.internal/" + tag + "@" + digest.String()
}

func (s *scene) pull(image string) (string, error) {
	return s.node.PullImage(context.Background(), &runtimeapi.ImageSpec{Image: image}, nil, nil)
}

func (s *scene) mustPull(image string) string {
	s.t.Helper()
	id, err := s.pull(image)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// entry is one of an archive: a file unless kind says otherwise.
type entry struct {
	name    string
	content string
	kind    byte
	link    string
	mode    int64
}

func archive(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var buffer bytes.Buffer
	writer := tar.NewWriter(&buffer)
	for _, each := range entries {
		header := &tar.Header{Name: each.name, Typeflag: each.kind, Linkname: each.link, Mode: each.mode, Size: int64(len(each.content))}
		if header.Typeflag == 0 {
			header.Typeflag = tar.TypeReg
		}
		if header.Mode == 0 {
			header.Mode = 0o644
		}
		if err := writer.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := writer.Write([]byte(each.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func layerOf(t *testing.T, entries ...entry) v1.Layer {
	t.Helper()
	content := archive(t, entries...)
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil })
	if err != nil {
		t.Fatal(err)
	}
	return layer
}

// imageOf is an image for this machine.
func imageOf(t *testing.T, config v1.Config, layers ...v1.Layer) v1.Image {
	t.Helper()
	made, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: runtime.GOARCH, Config: config})
	if err != nil {
		t.Fatal(err)
	}
	made, err = mutate.AppendLayers(made, layers...)
	if err != nil {
		t.Fatal(err)
	}
	return made
}
