package main

import (
	"archive/tar"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/sirupsen/logrus"
)

// scene is the registry that `make up` starts, behind a proxy that can fail.
type scene struct {
	t       *testing.T
	address string
	mutex   sync.Mutex
	asked   []string
	// answer, when set, may answer in the registry's place; it says whether it did.
	answer func(http.ResponseWriter, *http.Request) bool
}

func newScene(t *testing.T) *scene {
	t.Helper()
	logrus.SetOutput(io.Discard)
	s := &scene{t: t}
	registry := handlers.NewApp(context.Background(), &configuration.Configuration{
		Storage: configuration.Storage{"filesystem": configuration.Parameters{"rootdirectory": t.TempDir()}},
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mutex.Lock()
		s.asked = append(s.asked, r.Method+" "+r.URL.Path)
		s.mutex.Unlock()
		if s.answer == nil || !s.answer(w, r) {
			registry.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	s.address = strings.TrimPrefix(server.URL, "http://")
	return s
}

func (s *scene) requests() []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

func (s *scene) registries() registries {
	return registries{
		ctx:       context.Background(),
		addresses: map[string]string{"registry.internal": s.address},
		keychain:  authn.NewMultiKeychain(),
		backoff:   remote.Backoff{Duration: time.Millisecond, Factor: 1, Steps: 3},
	}
}

func (s *scene) push(order Order) (Result, error) { return assembleAndPush(order, s.registries()) }

func (s *scene) mustPush(order Order) Result {
	s.t.Helper()
	result, err := s.push(order)
	if err != nil {
		s.t.Fatal(err)
	}
	return result
}

// get gives what the registry has under repository:tag or repository@digest.
func (s *scene) get(ref string) (*remote.Descriptor, error) {
	parsed, err := name.ParseReference(s.address+"/"+ref, name.Insecure)
	if err != nil {
		s.t.Fatal(err)
	}
	return remote.Get(parsed)
}

func (s *scene) image(ref string) (v1.Image, *v1.ConfigFile) {
	s.t.Helper()
	descriptor, err := s.get(ref)
	if err != nil {
		s.t.Fatal(err)
	}
	image, err := descriptor.Image()
	if err != nil {
		s.t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		s.t.Fatal(err)
	}
	return image, config
}

func (s *scene) tags(repository string) []string {
	parsed, err := name.NewRepository(s.address+"/"+repository, name.Insecure)
	if err != nil {
		s.t.Fatal(err)
	}
	listed, err := remote.List(parsed)
	if err != nil {
		return nil
	}
	return listed
}

// folder makes a folder of files, run bits where the name ends in "!".
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	made := t.TempDir()
	for file, content := range files {
		path, isProgram := strings.CutSuffix(filepath.Join(made, file), "!")
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o666)
		if isProgram {
			mode = 0o777
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	return made
}

var bundle = map[string]string{"main.js": "code", "package.json": "{}", "node_modules/ui/a.css": "a", "node_modules/ui/B.js": "b", "tool!": "program"}

func orderOf(dist string) Order {
	return Order{
		Name: "registry.internal/team/service", Tag: "1.0.0", Platforms: []string{"linux/amd64"},
		Layers:  []Layer{{From: dist, To: "/app"}},
		Created: v1.Time{Time: time.Date(2023, 11, 14, 22, 13, 20, 0, time.UTC)},
		Config: v1.Config{
			Entrypoint: []string{"/nodejs/bin/node", "main.js"}, Env: []string{"NODE_ENV=production"}, User: "65532:65532",
			WorkingDir: "/app", StopSignal: "SIGTERM", ExposedPorts: map[string]struct{}{"8080/tcp": {}},
			Labels: map[string]string{"org.opencontainers.image.version": "1.0.0"},
		},
	}
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

func TestTheImageHoldsTheFolderAndTheConfiguration(t *testing.T) {
	s := newScene(t)
	order := orderOf(folder(t, bundle))
	result := s.mustPush(order)
	if want := "registry.internal/team/service:1.0.0@" + result.Digest; result.Reference != want {
		t.Errorf("the reference is %s, not %s", result.Reference, want)
	}
	image, config := s.image("team/service:1.0.0")
	if digest, _ := image.Digest(); digest.String() != result.Digest {
		t.Errorf("the registry has %s, and %s was said", digest, result.Digest)
	}
	if err := validate.Image(image); err != nil {
		t.Error(err)
	}
	if !reflect.DeepEqual(config.Config, order.Config) {
		t.Errorf("the configuration is %+v", config.Config)
	}
	if config.Created != order.Created || config.OS != "linux" || config.Architecture != "amd64" {
		t.Errorf("created %v for %s", config.Created, config.Platform())
	}

	layers, _ := image.Layers()
	if len(layers) != 1 {
		t.Fatalf("there are %d layers", len(layers))
	}
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for entries := tar.NewReader(content); ; {
		header, err := entries.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, fmt.Sprintf("%s %o", header.Name, header.Mode))
		if header.Uid != 0 || header.Gid != 0 || header.Uname != "" || !header.ModTime.Equal(order.Created.Time) {
			t.Errorf("%s has owner %d:%d %q and time %v", header.Name, header.Uid, header.Gid, header.Uname, header.ModTime)
		}
	}
	want := []string{"app/ 755", "app/main.js 644", "app/node_modules/ 755", "app/node_modules/ui/ 755", "app/node_modules/ui/B.js 644",
		"app/node_modules/ui/a.css 644", "app/package.json 644", "app/tool 755"}
	if !slices.Equal(seen, want) {
		t.Errorf("the layer holds %q", seen)
	}
}

func TestTheSameOrderGivesTheSameDigest(t *testing.T) {
	s := newScene(t)
	first := s.mustPush(orderOf(folder(t, bundle)))

	before := syscall.Umask(0o077)
	other := folder(t, bundle)
	syscall.Umask(before)
	old := time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
	filepath.WalkDir(other, func(path string, _ os.DirEntry, _ error) error { return os.Chtimes(path, old, old) })
	order := orderOf(other)
	order.Tag = "again"
	if second := s.mustPush(order); second.Digest != first.Digest {
		t.Errorf("%s, then %s", first.Digest, second.Digest)
	}

	changed := orderOf(folder(t, map[string]string{"main.js": "other code"}))
	changed.Tag = "changed"
	if third := s.mustPush(changed); third.Digest == first.Digest {
		t.Error("other content has the same digest")
	}
}

func TestTheBaseIsKeptAndExtendedAsADockerfileWould(t *testing.T) {
	s := newScene(t)
	node := folder(t, map[string]string{"node!": "program"})
	base := s.mustPush(Order{
		Name: "registry.internal/node", Tag: "26", Platforms: []string{"linux/amd64"},
		Layers:  []Layer{{From: filepath.Join(node, "node"), To: "/nodejs/bin/node", Uncompressed: true}},
		Created: v1.Time{Time: time.Unix(0, 0)},
		Config: v1.Config{
			Env: []string{"PATH=/bin", "NODE_ENV=test"}, Entrypoint: []string{"/nodejs/bin/node"}, Cmd: []string{"--help"}, User: "0",
			Labels: map[string]string{"base": "yes"}, ExposedPorts: map[string]struct{}{"1/tcp": {}},
		},
	})
	order := orderOf(folder(t, bundle))
	order.Base = "registry.internal/node@" + base.Digest
	s.requests()
	result := s.mustPush(order)
	for _, request := range s.requests() {
		if strings.HasPrefix(request, "GET /v2/node/blobs/") && !strings.Contains(request, configOf(s, "node:26")) {
			t.Errorf("%s: the base's layer was fetched, where the registry can take it from the other repository", request)
		}
	}
	if result.Base != order.Base {
		t.Errorf("the base is said to be %q", result.Base)
	}
	image, config := s.image("team/service:1.0.0")
	// Without the contents: it takes every layer for a compressed one.
	if err := validate.Image(image, validate.Fast); err != nil {
		t.Error(err)
	}
	got := config.Config
	if !slices.Equal(got.Env, []string{"PATH=/bin", "NODE_ENV=production"}) || got.Cmd != nil || got.User != "65532:65532" ||
		len(got.Labels) != 2 || len(got.ExposedPorts) != 2 || !slices.Equal(got.Entrypoint, order.Config.Entrypoint) {
		t.Errorf("the configuration is %+v", got)
	}
	manifest, _ := image.Manifest()
	if len(manifest.Layers) != 2 || manifest.Layers[0].MediaType != "application/vnd.oci.image.layer.v1.tar" {
		t.Errorf("the layers are %v", manifest.Layers)
	}
	if manifest.Annotations[baseNameAnnotation] != "registry.internal/node" || manifest.Annotations[baseDigestAnnotation] != base.Digest {
		t.Errorf("the annotations are %v", manifest.Annotations)
	}
	content, _ := mustLayers(t, image)[0].Uncompressed()
	entries := tar.NewReader(content)
	var names []string
	for header, err := entries.Next(); err == nil; header, err = entries.Next() {
		names = append(names, fmt.Sprintf("%s %o", header.Name, header.Mode))
	}
	if !slices.Equal(names, []string{"nodejs/ 755", "nodejs/bin/ 755", "nodejs/bin/node 755"}) {
		t.Errorf("the base holds %q", names)
	}
}

func configOf(s *scene, ref string) string {
	image, _ := s.image(ref)
	digest, _ := image.ConfigName()
	return digest.String()
}

func mustLayers(t *testing.T, image v1.Image) []v1.Layer {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	return layers
}

// baseIndex is an index with an image for each platform, in an OCI layout.
func baseIndex(t *testing.T, platforms ...string) string {
	t.Helper()
	index := v1.ImageIndex(empty.Index)
	for _, each := range platforms {
		platform, _ := v1.ParsePlatform(each)
		image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: platform.OS, Architecture: platform.Architecture, RootFS: v1.RootFS{Type: "layers"}})
		if err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: platform}})
	}
	made := t.TempDir()
	if _, err := layout.Write(made, index); err != nil {
		t.Fatal(err)
	}
	return "layout:" + made
}

func TestSeveralPlatformsAreOneIndex(t *testing.T) {
	s := newScene(t)
	order := orderOf(folder(t, bundle))
	order.Base = baseIndex(t, "linux/amd64", "linux/arm64", "linux/s390x")
	order.Platforms = []string{"linux/amd64", "linux/arm64"}
	result := s.mustPush(order)
	descriptor, err := s.get("team/service:1.0.0")
	if err != nil || descriptor.Digest.String() != result.Digest {
		t.Fatalf("the registry has %v (%v)", descriptor, err)
	}
	index, err := descriptor.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	manifest, _ := index.IndexManifest()
	var layers []string
	for position, each := range manifest.Manifests {
		image, err := index.Image(each.Digest)
		if err != nil {
			t.Fatal(err)
		}
		config, _ := image.ConfigFile()
		if each.Platform.String() != order.Platforms[position] || config.Platform().String() != order.Platforms[position] {
			t.Errorf("image %d is for %s and says %s", position, each.Platform, config.Platform())
		}
		digest, _ := mustLayers(t, image)[0].Digest()
		layers = append(layers, digest.String())
	}
	if len(layers) != 2 || layers[0] != layers[1] {
		t.Errorf("the bundles are %q", layers)
	}
	if tags := s.tags("team/service"); !slices.Equal(tags, []string{"1.0.0"}) {
		t.Errorf("the tags are %q", tags)
	}
}

func TestATagIsNeverMoved(t *testing.T) {
	s := newScene(t)
	first := s.mustPush(orderOf(folder(t, bundle)))
	s.requests()
	if again := s.mustPush(orderOf(folder(t, bundle))); again.Reference != first.Reference {
		t.Errorf("the second time it is %v", again)
	}
	for _, request := range s.requests() {
		if strings.HasPrefix(request, "POST") {
			t.Errorf("%s: what is there was pushed again", request)
		}
	}
	_, err := s.push(orderOf(folder(t, map[string]string{"main.js": "other"})))
	mustFail(t, err, "registry.internal/team/service:1.0.0 already exists and is another image ("+first.Digest+")")
	if descriptor, _ := s.get("team/service:1.0.0"); descriptor.Digest.String() != first.Digest {
		t.Error("the tag was moved")
	}

	// Others may move.
	order := orderOf(folder(t, bundle))
	order.Also = []string{"dev-1"}
	s.mustPush(order)
	changed := orderOf(folder(t, map[string]string{"main.js": "other"}))
	changed.Tag, changed.Also = "1.1.0", []string{"dev-1"}
	second := s.mustPush(changed)
	if descriptor, _ := s.get("team/service:dev-1"); descriptor.Digest.String() != second.Digest {
		t.Error("the tag dev-1 was not moved")
	}
}

func TestARefusedTagIsSaidWithTheRegistrysWords(t *testing.T) {
	s := newScene(t)
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != "PUT" || !strings.HasSuffix(r.URL.Path, "/manifests/1.0.0") {
			return false
		}
		// As ECR does where another push came first.
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"errors":[{"code":"TAG_INVALID","message":"The image tag '1.0.0' already exists in the 'team/service' repository and cannot be overwritten because the repository is immutable."}]}`)
		return true
	}
	_, err := s.push(orderOf(folder(t, bundle)))
	mustFail(t, err, "registry.internal/team/service:1.0.0 was not set", "TAG_INVALID", "cannot be overwritten")
}

func TestARegistryThatFailsMidwayHasNoTag(t *testing.T) {
	complete := newScene(t)
	order := orderOf(folder(t, bundle))
	order.Base = baseIndex(t, "linux/amd64", "linux/arm64")
	order.Platforms = []string{"linux/amd64", "linux/arm64"}
	order.Also = []string{"dev-1"}
	complete.mustPush(order)
	total := 0
	for _, request := range complete.requests() {
		if !strings.HasPrefix(request, "GET /v2/ ") {
			total++
		}
	}
	if total < 10 {
		t.Fatalf("a push is %d requests", total)
	}
	for failing := 1; failing <= total; failing++ {
		s := newScene(t)
		var mutex sync.Mutex
		count := 0
		s.answer = func(w http.ResponseWriter, r *http.Request) bool {
			mutex.Lock()
			defer mutex.Unlock()
			count++
			if count < failing {
				return false
			}
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
		_, err := s.push(order)
		s.answer = nil
		if err == nil {
			// The order of the requests varies a little, and with it their number.
			if failing < total-2 {
				t.Errorf("request %d of %d failed, and the push did not", failing, total)
			}
			continue
		}
		if slices.Contains(s.tags("team/service"), order.Tag) {
			t.Errorf("request %d of %d failed (%v), and the tag is there", failing, total, err)
		}
		s.mustPush(order)
	}
}

func TestAPassingFailureIsTriedAgain(t *testing.T) {
	s := newScene(t)
	failures := 2
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if failures == 0 || r.Method != "PUT" {
			return false
		}
		failures--
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	order := orderOf(folder(t, map[string]string{"main.js": "code"}))
	s.mustPush(order)
	if failures != 0 {
		t.Error("nothing failed")
	}
}

func TestCredentials(t *testing.T) {
	s := newScene(t)
	wanted := "Basic " + base64.StdEncoding.EncodeToString([]byte("AWS:secret"))
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") == wanted {
			return false
		}
		w.Header().Set("Www-Authenticate", `Basic realm="ecr"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
	order := orderOf(folder(t, bundle))
	order.Name, order.Registries = s.address+"/team/service", map[string]string{}
	text, _ := json.Marshal(order)
	push := func() error { return run(context.Background(), strings.NewReader(string(text)), io.Discard) }
	home := t.TempDir()
	t.Setenv("DOCKER_CONFIG", home)
	t.Setenv("REGISTRY_PASSWORD", "")
	mustFail(t, push(), "401")

	t.Setenv("REGISTRY_USERNAME", "AWS")
	t.Setenv("REGISTRY_PASSWORD", "wrong")
	mustFail(t, push(), "401")
	t.Setenv("REGISTRY_PASSWORD", "secret")
	if err := push(); err != nil {
		t.Error(err)
	}

	other := newScene(t)
	var shown []string
	other.answer = func(_ http.ResponseWriter, r *http.Request) bool {
		shown = append(shown, r.Header.Get("Authorization"))
		return false
	}
	order.Tag, order.Base = "1.1.0", other.address+"/node:1"
	text, _ = json.Marshal(order)
	mustFail(t, push(), "base image "+order.Base)
	if len(shown) == 0 || strings.Join(shown, "") != "" {
		t.Errorf("the registry of the base image was shown %q", shown)
	}
	order.Base = ""
	text, _ = json.Marshal(order)

	t.Setenv("REGISTRY_PASSWORD", "")
	config := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, s.address, base64.StdEncoding.EncodeToString([]byte("AWS:secret")))
	if err := os.WriteFile(filepath.Join(home, "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := push(); err != nil {
		t.Error(err)
	}
}

func TestWhatIsWrongWithAnOrderIsNamed(t *testing.T) {
	s := newScene(t)
	dist := folder(t, bundle)
	fifo := folder(t, bundle)
	if err := syscall.Mkfifo(filepath.Join(fifo, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	digest := "sha256:" + strings.Repeat("a", 64)
	for title, test := range map[string]struct {
		change func(*Order)
		texts  []string
	}{
		"no such folder":       {func(o *Order) { o.Layers[0].From = "/no/such/folder" }, []string{"/no/such/folder"}},
		"a special file":       {func(o *Order) { o.Layers[0].From = fifo }, []string{"pipe is neither"}},
		"a relative place":     {func(o *Order) { o.Layers[0].To = "app" }, []string{"must be an absolute path", `"app"`}},
		"the root as a place":  {func(o *Order) { o.Layers[0].To = "/" }, []string{"must be an absolute path"}},
		"a platform":           {func(o *Order) { o.Platforms = []string{"amd64"} }, []string{`platform "amd64"`}},
		"a name":               {func(o *Order) { o.Name = "registry.internal/Team" }, []string{"registry.internal/Team"}},
		"a tag":                {func(o *Order) { o.Tag = "a b" }, []string{"a b"}},
		"a base without a tag": {func(o *Order) { o.Base = "registry.internal/node" }, []string{"base image registry.internal/node"}},
		"no such base":         {func(o *Order) { o.Base = "registry.internal/node@" + digest }, []string{"base image registry.internal/node@" + digest}},
		"no such layout":       {func(o *Order) { o.Base = "layout:/no/such/folder" }, []string{"base image layout:/no/such/folder"}},
		"a base for others":    {func(o *Order) { o.Base = baseIndex(t, "linux/arm64") }, []string{"has no image for linux/amd64"}},
	} {
		t.Run(title, func(t *testing.T) {
			order := orderOf(dist)
			test.change(&order)
			_, err := s.push(order)
			mustFail(t, err, test.texts...)
			if tags := s.tags("team/service"); len(tags) > 0 {
				t.Errorf("the tags are %q", tags)
			}
		})
	}
	for _, text := range []string{"", "{}", `{"name":"a","unknown":1}`, `{"name":"a","tag":"b","platforms":["linux/amd64"]}`} {
		mustFail(t, run(context.Background(), strings.NewReader(text), io.Discard), "the order on standard input")
	}
}
