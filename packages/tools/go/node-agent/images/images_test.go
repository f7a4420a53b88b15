package images

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

var ctx = context.Background()

func read(t *testing.T, parts ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func exists(parts ...string) bool {
	_, err := os.Lstat(filepath.Join(parts...))
	return err == nil
}

func mustFail(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; expected one with %q", texts)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error is %q and does not contain %q", err, text)
		}
	}
}

// nothingLeft checks that a failed pull left no image, no layer and nothing unfinished.
func nothingLeft(t *testing.T, s *scene) {
	t.Helper()
	for _, part := range []string{"images", "layers", "unfinished"} {
		entries, err := os.ReadDir(filepath.Join(s.folder, part))
		if err != nil || len(entries) > 0 {
			t.Errorf("%s/ holds %v (%v)", part, entries, err)
		}
	}
}

func TestPulledImageIsUnpackedWithItsConfiguration(t *testing.T) {
	s := newScene(t)
	config := v1.Config{Entrypoint: []string{"/nodejs/bin/node", "main.js"}, User: "65532:65532", WorkingDir: "/app", Env: []string{"A=1"}}
	image := s.push("team/service:1.0.0", imageOf(t, config,
		layerOf(t, entry{name: "nodejs/bin/node", content: "program", mode: 0o755}),
		layerOf(t, entry{name: "app/", kind: '5', mode: 0o700}, entry{name: "app/main.js", content: "code", mode: 0o666}),
	))
	id := s.mustPull(image)

	for _, name := range []string{id, image, strings.Replace(image, ":1.0.0", "", 1)} {
		folder, found, err := s.node.RootFilesystem(name)
		if err != nil {
			t.Fatal(err)
		}
		if read(t, folder, "app/main.js") != "code" || read(t, folder, "nodejs/bin/node") != "program" {
			t.Errorf("%s: the files are not those of the layers", name)
		}
		if !slices.Equal(found.Entrypoint, config.Entrypoint) || found.WorkingDir != "/app" || !slices.Equal(found.Env, config.Env) {
			t.Errorf("%s: the configuration is %+v", name, found)
		}
	}
	folder, _, _ := s.node.RootFilesystem(id)
	for name, mode := range map[string]fs.FileMode{"nodejs/bin/node": 0o555, "app/main.js": 0o444, "app": fs.ModeDir | 0o755} {
		if info, err := os.Stat(filepath.Join(folder, name)); err != nil || info.Mode() != mode {
			t.Errorf("%s has mode %v, not %v (%v)", name, info.Mode(), mode, err)
		}
	}

	status, err := s.node.ImageStatus(ctx, &runtimeapi.ImageSpec{Image: image}, false)
	if err != nil {
		t.Fatal(err)
	}
	seen := status.GetImage()
	if seen.GetId() != id || seen.GetUid().GetValue() != 65532 || seen.GetSize() != uint64(len("program")+len("code")) {
		t.Errorf("the status is %v", seen)
	}
	if want := []string{strings.Replace(image, ":1.0.0", "", 1)}; !slices.Equal(seen.GetRepoDigests(), want) {
		t.Errorf("its digests are %v, not %v", seen.GetRepoDigests(), want)
	}
	if _, _, err := s.node.RootFilesystem("registry.internal/other:1"); err == nil {
		t.Error("an image that was never pulled has a root file system")
	}
}

func TestLayersAreSharedByImagesAndSurviveARestart(t *testing.T) {
	s := newScene(t)
	base := layerOf(t, entry{name: "node", content: "program"})
	first := s.push("service:1", imageOf(t, v1.Config{}, base, layerOf(t, entry{name: "main.js", content: "one"})))
	second := s.push("service:2", imageOf(t, v1.Config{}, base, layerOf(t, entry{name: "main.js", content: "two"})))
	s.mustPull(first)
	s.requests()
	s.mustPull(second)
	digest, _ := base.Digest()
	if asked := s.requests(); slices.Contains(asked, "GET /v2/service/blobs/"+digest.String()) {
		t.Error("the layer that both have was fetched twice")
	}
	one, _, _ := s.node.RootFilesystem(first)
	two, _, _ := s.node.RootFilesystem(second)
	a, _ := os.Stat(filepath.Join(one, "node"))
	b, _ := os.Stat(filepath.Join(two, "node"))
	if !os.SameFile(a, b) {
		t.Error("the shared file is there twice")
	}
	if read(t, one, "main.js") != "one" || read(t, two, "main.js") != "two" {
		t.Error("the images differ in nothing")
	}

	if err := os.MkdirAll(filepath.Join(s.folder, "unfinished/half/a/layer"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.node = s.open(nil)
	s.requests()
	s.mustPull(second)
	if asked := s.requests(); len(asked) > 0 {
		t.Errorf("after a restart an image that is here was asked for: %v", asked)
	}
	if exists(s.folder, "unfinished/half") {
		t.Error("what an interrupted pull left is still there")
	}
}

func TestATagNamesTheImageThatWasPulledLast(t *testing.T) {
	s := newScene(t)
	s.push("service:dev", imageOf(t, v1.Config{}, layerOf(t, entry{name: "main.js", content: "one"})))
	first := s.mustPull("registry.internal/service:dev")
	s.push("service:dev", imageOf(t, v1.Config{}, layerOf(t, entry{name: "main.js", content: "two"})))
	second := s.mustPull("registry.internal/service:dev")
	if first == second {
		t.Fatal("the tag was not looked up again")
	}
	folder, _, _ := s.node.RootFilesystem("registry.internal/service:dev")
	if read(t, folder, "main.js") != "two" {
		t.Error("the tag names the old image")
	}
	all, _ := s.node.ListImages(ctx, nil)
	for _, each := range all {
		wanted := []string(nil)
		if each.GetId() == second {
			wanted = []string{"registry.internal/service:dev"}
		}
		if !slices.Equal(each.GetRepoTags(), wanted) || len(each.GetRepoDigests()) != 1 {
			t.Errorf("%s has the names %v %v", each.GetId(), each.GetRepoTags(), each.GetRepoDigests())
		}
	}
}

func TestUpperLayersReplaceAndRemoveWhatLowerOnesHold(t *testing.T) {
	s := newScene(t)
	id := s.mustPull(s.push("service:1", imageOf(t, v1.Config{},
		layerOf(t,
			entry{name: "usr/bin/sh", content: "shell"}, entry{name: "bin", kind: '2', link: "usr/bin"},
			entry{name: "etc/old", content: "old"}, entry{name: "etc/kept", content: "kept"},
			entry{name: "data/a", content: "a"}, entry{name: "data/b", content: "b"},
			entry{name: "thing/inner", content: "folder"}, entry{name: "late", content: "lower"},
		),
		layerOf(t,
			entry{name: "bin/tool", content: "tool"}, entry{name: "etc/.wh.old"}, entry{name: "etc/+new", content: "new"},
			entry{name: "data/.wh..wh..opq"}, entry{name: "data/c", content: "c"},
			entry{name: "thing", content: "a file"}, entry{name: "late", content: "first"}, entry{name: "late", content: "second"},
		),
	)))
	folder, _, _ := s.node.RootFilesystem(id)
	for name, content := range map[string]string{
		"usr/bin/sh": "shell", "usr/bin/tool": "tool", "bin/tool": "tool", "etc/kept": "kept", "etc/+new": "new",
		"data/c": "c", "thing": "a file", "late": "second",
	} {
		if read(t, folder, name) != content {
			t.Errorf("%s is not %q", name, content)
		}
	}
	for _, name := range []string{"etc/old", "etc/.wh.old", "data/a", "data/b", "data/.wh..wh..opq"} {
		if exists(folder, name) {
			t.Errorf("%s is there", name)
		}
	}
}

func TestSymbolicLinksLeadToTheImagesFilesWithoutAChroot(t *testing.T) {
	s := newScene(t)
	id := s.mustPull(s.push("service:1", imageOf(t, v1.Config{}, layerOf(t,
		entry{name: "usr/lib/real", content: "content"},
		entry{name: "etc/absolute", kind: '2', link: "/usr/lib/real"},
		entry{name: "etc/above", kind: '2', link: "../../../../usr/lib/real"},
		entry{name: "etc/hard", kind: '1', link: "/usr/lib/real"},
	))))
	folder, _, _ := s.node.RootFilesystem(id)
	for _, name := range []string{"etc/absolute", "etc/above", "etc/hard"} {
		if read(t, folder, name) != "content" {
			t.Errorf("%s leads elsewhere", name)
		}
	}
}

func TestNothingIsWrittenOutsideOfTheImage(t *testing.T) {
	for title, entries := range map[string][]entry{
		"a path upwards":                      {{name: "../../escaped", content: "x"}},
		"a path upwards inside of a path":     {{name: "app/../../escaped", content: "x"}},
		"a hard link upwards":                 {{name: "link", kind: '1', link: "../../../../../etc/passwd"}},
		"a hard link to what is not there":    {{name: "link", kind: '1', link: "nothing"}},
		"a symbolic link through another one": {{name: "deep", kind: '2', link: "."}, {name: "deep/deep/deep/up", kind: '2', link: "../../.."}, {name: "up/escaped", content: "x"}},
		"a device":                            {{name: "dev/null", kind: '3'}},
		"a whiteout of the folder above":      {{name: "app/.wh...", content: ""}},
	} {
		t.Run(title, func(t *testing.T) {
			s := newScene(t)
			canary := filepath.Join(s.folder, "layers", "canary")
			if err := os.WriteFile(canary, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := s.pull(s.push("service:1", imageOf(t, v1.Config{}, layerOf(t, entries...))))
			if title == "a symbolic link through another one" && err == nil {
				err = os.ErrExist // It may be unpacked, as long as it stays inside.
			}
			mustFail(t, err)
			if !exists(canary) {
				t.Error("a file outside of the image was removed")
			}
			for _, place := range []string{"escaped", "layers/escaped", "images/escaped", "unfinished/escaped", "../escaped"} {
				if exists(s.folder, place) {
					t.Errorf("%s was written", place)
				}
			}
			if entries, _ := os.ReadDir(filepath.Join(s.folder, "unfinished")); len(entries) > 0 {
				t.Errorf("left behind: %v", entries)
			}
		})
	}
}

func TestLayersMayBeUncompressedOrByZstandard(t *testing.T) {
	for mediaType, compress := range map[types.MediaType]func([]byte) []byte{
		types.OCIUncompressedLayer: func(content []byte) []byte { return content },
		types.OCILayerZStd: func(content []byte) []byte {
			encoder, err := zstd.NewWriter(nil)
			if err != nil {
				t.Fatal(err)
			}
			return encoder.EncodeAll(content, nil)
		},
	} {
		t.Run(string(mediaType), func(t *testing.T) {
			s := newScene(t)
			content := archive(t, entry{name: "main.js", content: "code"})
			diffID, _, _ := v1.SHA256(bytes.NewReader(content))
			layer := renamed{static.NewLayer(compress(content), mediaType), diffID}
			id := s.mustPull(s.push("service:1", imageOf(t, v1.Config{}, layer)))
			if folder, _, _ := s.node.RootFilesystem(id); read(t, folder, "main.js") != "code" {
				t.Error("the layer was not unpacked")
			}
		})
	}
	t.Run("an unknown media type is refused", func(t *testing.T) {
		s := newScene(t)
		_, err := s.pull(s.push("service:1", imageOf(t, v1.Config{}, static.NewLayer([]byte("x"), "application/x-lzma"))))
		mustFail(t, err, `"application/x-lzma"`)
		nothingLeft(t, s)
	})
}

func TestThePlatformOfTheNodeIsTakenFromAnIndex(t *testing.T) {
	s := newScene(t)
	here := imageOf(t, v1.Config{}, layerOf(t, entry{name: "main.js", content: "here"}))
	elsewhere, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: "s390x"})
	if err != nil {
		t.Fatal(err)
	}
	index := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: elsewhere, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "s390x"}}},
		mutate.IndexAddendum{Add: here, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: runtime.GOARCH}}},
	)
	id := s.mustPull(s.pushIndex("service:1", index))
	if folder, _, _ := s.node.RootFilesystem(id); read(t, folder, "main.js") != "here" {
		t.Error("another platform's image was unpacked")
	}

	_, err = s.pull(s.pushIndex("service:2", mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: elsewhere, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "s390x"}}})))
	mustFail(t, err, "service@sha256:", "linux/"+runtime.GOARCH)
	_, err = s.pull(s.push("service:3", elsewhere))
	mustFail(t, err, "the image is for linux/s390x, and this node is linux/"+runtime.GOARCH)
}

func TestWhatIsWrongWithAnImageIsNamed(t *testing.T) {
	layer := layerOf(t, entry{name: "main.js", content: strings.Repeat("code", 10_000)})
	digest, _ := layer.Digest()
	t.Run("no such image", func(t *testing.T) {
		s := newScene(t)
		image := "registry.internal/service:0.4.0-bad@sha256:" + strings.Repeat("a", 64)
		_, err := s.pull(image)
		mustFail(t, err, "registry.internal/service@sha256:aaaa", "not found in the registry registry.internal (at "+s.address+")")
		nothingLeft(t, s)
	})
	t.Run("an unknown registry", func(t *testing.T) {
		s := newScene(t)
		_, err := s.pull("ghcr.io/team/service:1")
		mustFail(t, err, "ghcr.io/team/service:1: this node does not know the registry ghcr.io")
	})
	t.Run("a name that is none", func(t *testing.T) {
		s := newScene(t)
		_, err := s.pull("registry.internal/Service:1")
		mustFail(t, err, `image name "registry.internal/Service:1"`)
	})
	t.Run("no registry answers", func(t *testing.T) {
		s := newScene(t)
		image := s.push("service:1", imageOf(t, v1.Config{}, layer))
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		free := listener.Addr().String()
		listener.Close()
		s.node.options.Mirrors = map[string]string{"registry.internal": free}
		_, err = s.pull(image)
		// The kubelet looks for this beginning, and says "the registry is unavailable".
		if err == nil || !strings.HasPrefix(err.Error(), "RegistryUnavailable: ") {
			t.Errorf("the error is %v", err)
		}
		mustFail(t, err, "registry.internal (at "+free+")", "connection refused")
	})
	t.Run("a manifest with another digest", func(t *testing.T) {
		s := newScene(t)
		image := s.push("service:1", imageOf(t, v1.Config{}, layer))
		other, _ := imageOf(t, v1.Config{User: "0"}, layer).RawManifest()
		s.answer = func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/manifests/") {
				return false
			}
			w.Header().Set("Content-Type", "application/vnd.docker.distribution.manifest.v2+json")
			w.Write(other)
			return true
		}
		_, err := s.pull(image)
		mustFail(t, err, "digest", "does not match")
		nothingLeft(t, s)
	})
	t.Run("a layer with another digest", func(t *testing.T) {
		s := newScene(t)
		image := s.push("service:1", imageOf(t, v1.Config{}, layer))
		compressed, _ := layer.Compressed()
		content, _ := io.ReadAll(compressed)
		content[len(content)/2] ^= 1
		s.answer = func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/blobs/"+digest.String()) {
				return false
			}
			w.Write(content)
			return true
		}
		_, err := s.pull(image)
		mustFail(t, err, "layer "+digest.String(), "error verifying sha256 checksum")
		nothingLeft(t, s)
	})
	t.Run("a layer whose content is not what the configuration says", func(t *testing.T) {
		s := newScene(t)
		wrong, err := random.Layer(100, "application/vnd.docker.image.rootfs.diff.tar.gzip")
		if err != nil {
			t.Fatal(err)
		}
		diffID, _ := wrong.DiffID()
		image := s.push("service:1", imageOf(t, v1.Config{}, renamed{layer, diffID}))
		_, err = s.pull(image)
		mustFail(t, err, "layer "+digest.String(), "digest mismatch", diffID.String())
		nothingLeft(t, s)
	})
	t.Run("an answer that breaks off", func(t *testing.T) {
		s := newScene(t)
		image := s.push("service:1", imageOf(t, v1.Config{}, layer))
		s.answer = func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/blobs/"+digest.String()) {
				return false
			}
			w.Header().Set("Content-Length", "1000")
			w.Write([]byte{0x1f, 0x8b})
			panic(http.ErrAbortHandler)
		}
		_, err := s.pull(image)
		mustFail(t, err, "layer sha256:", "EOF")
		nothingLeft(t, s)

		s.answer = nil
		s.mustPull(image)
	})
	t.Run("a registry that fails is asked once: the kubelet tries again", func(t *testing.T) {
		s := newScene(t)
		image := s.push("service:1", imageOf(t, v1.Config{}, layer))
		s.answer = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/v2/" {
				return false
			}
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
		_, err := s.pull(image)
		mustFail(t, err, "registry.internal", "500")
		if asked := s.requests(); len(asked) != 2 {
			t.Errorf("it was asked for %v", asked)
		}
	})
}

func TestConcurrentPullsShareTheWork(t *testing.T) {
	s := newScene(t)
	shared := layerOf(t, entry{name: "node", content: strings.Repeat("program", 100_000)})
	images := []string{}
	for _, content := range []string{"one", "two", "three"} {
		images = append(images, s.push("service:"+content, imageOf(t, v1.Config{}, shared, layerOf(t, entry{name: "main.js", content: content}))))
	}
	var group sync.WaitGroup
	for index := range 30 {
		group.Go(func() {
			if _, err := s.pull(images[index%len(images)]); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	digest, _ := shared.Digest()
	fetched := 0
	for _, request := range s.requests() {
		if request == "GET /v2/service/blobs/"+digest.String() {
			fetched++
		}
	}
	if fetched != 1 {
		t.Errorf("the shared layer was fetched %d times", fetched)
	}
	if all, _ := s.node.ListImages(ctx, nil); len(all) != len(images) {
		t.Errorf("there are %d images", len(all))
	}
}

func TestAPullThatNobodyWaitsForGoesOn(t *testing.T) {
	s := newScene(t)
	image := s.push("service:1", imageOf(t, v1.Config{}, layerOf(t, entry{name: "main.js", content: "code"})))
	reached, proceed := make(chan struct{}), make(chan struct{})
	s.answer = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/manifests/") {
			close(reached)
			<-proceed
		}
		return false
	}
	impatient, giveUp := context.WithCancel(ctx)
	ended := make(chan error)
	go func() {
		_, err := s.node.PullImage(impatient, &runtimeapi.ImageSpec{Image: image}, nil, nil)
		ended <- err
	}()
	<-reached
	giveUp()
	if err := <-ended; err != context.Canceled {
		t.Errorf("the pull ended with %v", err)
	}
	close(proceed)
	s.mustPull(image)
}

func TestRemovedImagesTakeTheLayersThatNoOtherHas(t *testing.T) {
	s := newScene(t)
	shared := layerOf(t, entry{name: "node", content: "program"})
	own := layerOf(t, entry{name: "main.js", content: "one"})
	first := s.push("service:1", imageOf(t, v1.Config{}, shared, own))
	second := s.push("service:2", imageOf(t, v1.Config{}, shared, layerOf(t, entry{name: "main.js", content: "second"})))
	id, kept := s.mustPull(first), s.mustPull(second)
	usage := func() (bytes uint64) {
		info, err := s.node.ImageFsInfo(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return info.GetImageFilesystems()[0].GetUsedBytes().GetValue()
	}
	if total := usage(); total != uint64(len("program")+len("one")+len("second")) {
		t.Errorf("all images take %d bytes", total)
	}

	s.node = s.open(func(used string) bool { return used == id })
	mustFail(t, s.node.RemoveImage(ctx, &runtimeapi.ImageSpec{Image: id}), "in use")
	if folder, _, err := s.node.RootFilesystem(id); err != nil || read(t, folder, "main.js") != "one" {
		t.Errorf("an image in use was removed (%v)", err)
	}

	s.node = s.open(nil)
	for range 2 { // The second time there is nothing to remove, which is no error.
		if err := s.node.RemoveImage(ctx, &runtimeapi.ImageSpec{Image: id}); err != nil {
			t.Fatal(err)
		}
	}
	if status, _ := s.node.ImageStatus(ctx, &runtimeapi.ImageSpec{Image: first}, false); status.GetImage() != nil {
		t.Error("the removed image has a status")
	}
	if total := usage(); total != uint64(len("program")+len("second")) {
		t.Errorf("what is left takes %d bytes", total)
	}
	if folder, _, err := s.node.RootFilesystem(kept); err != nil || read(t, folder, "node") != "program" {
		t.Errorf("the other image lost its files (%v)", err)
	}
	s.mustPull(first)
}

// renamed is a layer that claims to have another diff ID.
type renamed struct {
	v1.Layer
	diffID v1.Hash
}

func (r renamed) DiffID() (v1.Hash, error) { return r.diffID, nil }
