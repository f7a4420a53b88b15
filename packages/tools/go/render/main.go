// Renders what Argo CD would deploy, by Argo CD's own code: its ApplicationSet controller's generator and template functions and
// its repo-server's GenerateManifests, which calls the `helm` of the PATH. What this program adds is the reading of the work
// tree in place of a Git clone, of folders in place of Helm repositories, and of the cluster's facts in place of its Secret.
//
// One request a line on standard input, one answer a line on standard output, both JSON; see Request and Answer. Requests are
// worked on side by side, and each is answered as soon as it is done: an answer carries the id of its request.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"

	log "github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/pod-security-admission/admission"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argoproj/argo-cd/v3/applicationset/controllers/template"
	"github.com/argoproj/argo-cd/v3/applicationset/generators"
	"github.com/argoproj/argo-cd/v3/applicationset/utils"
	"github.com/argoproj/argo-cd/v3/common"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/reposerver/apiclient"
	"github.com/argoproj/argo-cd/v3/reposerver/repository"
	"github.com/argoproj/argo-cd/v3/util/argo"
	"github.com/argoproj/argo-cd/v3/util/argo/normalizers"
	"github.com/argoproj/argo-cd/v3/util/git"
	utilio "github.com/argoproj/argo-cd/v3/util/io"
	"github.com/argoproj/argo-cd/v3/util/lua"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/kube"
)

const namespace = "argocd"

// Request asks for any of: manifests of Applications, Applications of ApplicationSets, Pod Security, health, sync windows,
// rights.
type Request struct {
	// Chosen by the caller.
	ID int `json:"id"`
	// The work tree.
	Repository string `json:"repository"`
	// The charts of Helm repositories that are on this machine.
	Charts []Chart `json:"charts,omitempty"`
	// Applications to render.
	Renders []Render `json:"renders,omitempty"`
	// ApplicationSets to resolve.
	Generates []Generate `json:"generates,omitempty"`
	// Objects to hold against a Pod Security level.
	PodSecurity []PodSecurity `json:"podSecurity,omitempty"`
	// Objects to judge by a health check in Lua.
	Healths []Health `json:"healths,omitempty"`
	// Sync windows of projects, at other times than now.
	Windows []Windows `json:"windows,omitempty"`
	// Who may do what in Argo CD.
	Rights []Rights `json:"rights,omitempty"`
}

// Chart is an upstream chart, unpacked.
type Chart struct {
	RepoURL string `json:"repoURL"`
	Chart   string `json:"chart"`
	Version string `json:"version"`
	Folder  string `json:"folder"`
}

type Render struct {
	Application v1alpha1.Application `json:"application"`
	// As the cluster reports it, v1.36.3.
	KubeVersion string   `json:"kubeVersion"`
	APIVersions []string `json:"apiVersions"`
}

type Generate struct {
	ApplicationSet v1alpha1.ApplicationSet `json:"applicationSet"`
	// The Secrets of the clusters that Argo CD knows; labels and annotations are what generators read.
	Secrets []corev1.Secret `json:"secrets"`
}

type PodSecurity struct {
	Object json.RawMessage `json:"object"`
	// privileged, baseline or restricted
	Level string `json:"level"`
	// Minor version of Kubernetes, 1.36.
	Version string `json:"version"`
}

type Health struct {
	Object unstructured.Unstructured `json:"object"`
	// As in argocd-cm, below resource.customizations.health.
	Script string `json:"script"`
}

// Answer holds one entry for each of the request's, in its order.
type Answer struct {
	ID      int        `json:"id"`
	Renders []Rendered `json:"renders"`
	// The large manifests that no earlier answer has brought, by hash.
	Large       map[string]json.RawMessage `json:"large,omitempty"`
	Generates   []Generated                `json:"generates"`
	PodSecurity []PodViolation             `json:"podSecurity"`
	Healths     []HealthStatus             `json:"healths"`
	Windows     []WindowsAnswer            `json:"windows"`
	Rights      []RightsAnswer             `json:"rights"`
	Error       string                     `json:"error,omitempty"`
}

type Rendered struct {
	// Objects; a large one is replaced by its hash, see Answer.Large: definitions are megabytes, and the same for every cluster.
	Manifests []json.RawMessage `json:"manifests"`
	Error     string            `json:"error,omitempty"`
}

type Generated struct {
	Applications []v1alpha1.Application `json:"applications"`
	Error        string                 `json:"error,omitempty"`
}

type PodViolation struct {
	Violations []string `json:"violations"`
	Error      string   `json:"error,omitempty"`
}

type HealthStatus struct {
	Status  string `json:"status"`
	Message string `json:"message"`
	Error   string `json:"error,omitempty"`
}

func main() {
	log.SetOutput(os.Stderr)
	log.SetLevel(log.ErrorLevel)
	definitions, err := openDefinitions()
	if err == nil {
		err = openZones(definitions.folder)
	}
	if err == nil {
		err = serve(os.Stdin, os.Stdout, definitions)
		os.RemoveAll(definitions.folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "render:", err)
		os.Exit(1)
	}
}

// serve answers every request that it reads, and returns once the last one is answered.
func serve(input io.Reader, output io.Writer, definitions *definitions) error {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return err
	}
	in := bufio.NewReaderSize(input, 1<<20)
	out := &answers{out: json.NewEncoder(output), sent: map[string]bool{}}
	var group sync.WaitGroup
	defer group.Wait()
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			group.Go(func() { out.send(answer(line, evaluator, definitions)) })
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// answers writes one answer at a time, and each large manifest once.
type answers struct {
	mutex sync.Mutex
	out   *json.Encoder
	sent  map[string]bool
}

// From this size on a manifest is worth a hash: definitions and dashboards are, what differs from cluster to cluster is not.
const largeBytes = 16 << 10

func (a *answers) send(answer Answer) {
	large := map[string]json.RawMessage{}
	for _, rendered := range answer.Renders {
		for i, manifest := range rendered.Manifests {
			if len(manifest) >= largeBytes {
				sum := sha256.Sum256(manifest)
				hash := hex.EncodeToString(sum[:])
				large[hash] = manifest
				rendered.Manifests[i] = json.RawMessage(`"` + hash + `"`)
			}
		}
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for hash := range large {
		if a.sent[hash] {
			delete(large, hash)
		}
		a.sent[hash] = true
	}
	answer.Large = large
	if err := a.out.Encode(answer); err != nil {
		// Nobody reads any more.
		fmt.Fprintln(os.Stderr, "render:", err)
		os.Exit(1)
	}
}

func answer(line []byte, evaluator policy.Evaluator, definitions *definitions) Answer {
	var request Request
	if err := json.Unmarshal(line, &request); err != nil {
		return Answer{ID: request.ID, Error: err.Error()}
	}
	result := Answer{
		ID:          request.ID,
		Renders:     make([]Rendered, len(request.Renders)),
		Generates:   make([]Generated, len(request.Generates)),
		PodSecurity: make([]PodViolation, len(request.PodSecurity)),
		Healths:     make([]HealthStatus, len(request.Healths)),
		Windows:     make([]WindowsAnswer, len(request.Windows)),
		Rights:      make([]RightsAnswer, len(request.Rights)),
	}
	inParallel(len(request.Renders), func(i int) { result.Renders[i] = render(request, request.Renders[i], definitions) })
	inParallel(len(request.Generates), func(i int) { result.Generates[i] = generate(request.Generates[i]) })
	for i, item := range request.PodSecurity {
		result.PodSecurity[i] = podSecurity(item, evaluator)
	}
	for i, item := range request.Healths {
		result.Healths[i] = judge(item)
	}
	for i, item := range request.Rights {
		result.Rights[i] = rights(item)
	}
	for i, item := range request.Windows {
		var err error
		if result.Windows[i], err = windows(item); err != nil {
			result.Error = err.Error()
		}
	}
	return result
}

// Of all requests together. One more than there are processors: while one render is being parsed, another's helm runs.
var slots = make(chan struct{}, runtime.NumCPU()+1)

func inParallel(count int, do func(int)) {
	var group sync.WaitGroup
	for i := range count {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			do(i)
		})
	}
	group.Wait()
}

// definitions are the large CustomResourceDefinitions, each read once: ../definitions, which Argo CD calls in place of helm, puts
// small ones with a hash for a name in their places.
type definitions struct {
	// Where they are, by hash.
	folder string
	known  sync.Map
}

func openDefinitions() (*definitions, error) {
	helm, err := exec.LookPath("helm")
	if err != nil {
		return nil, err
	}
	program, err := exec.LookPath("helm-definitions")
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "definitions-")
	if err != nil {
		return nil, err
	}
	bin := filepath.Join(folder, "bin")
	return &definitions{folder: folder}, errors.Join(
		os.Mkdir(bin, 0o700),
		os.Symlink(program, filepath.Join(bin, "helm")),
		os.Setenv("HELM", helm),
		os.Setenv("DEFINITIONS", folder),
		os.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH")),
	)
}

var small = regexp.MustCompile(`^\{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":\{"name":"([0-9a-f]{64})"\}\}$`)

// in puts the large definitions back in their places, as GenerateManifests would have written them.
func (d *definitions) in(manifests []json.RawMessage) ([]json.RawMessage, error) {
	for i, manifest := range manifests {
		if match := small.FindSubmatch(manifest); match != nil {
			read, _ := d.known.LoadOrStore(string(match[1]), sync.OnceValues(func() (json.RawMessage, error) {
				return readDefinition(filepath.Join(d.folder, string(match[1])))
			}))
			definition, err := read.(func() (json.RawMessage, error))()
			if err != nil {
				return nil, err
			}
			manifests[i] = definition
		}
	}
	return manifests, nil
}

func readDefinition(file string) (json.RawMessage, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	objects, err := kube.SplitYAML(text)
	if err != nil {
		return nil, err
	}
	if len(objects) != 1 {
		return nil, fmt.Errorf("%s holds %d objects in place of one", file, len(objects))
	}
	return json.Marshal(objects[0].Object)
}

func render(request Request, job Render, definitions *definitions) Rendered {
	app := job.Application
	failed := func(err error) Rendered { return Rendered{Manifests: []json.RawMessage{}, Error: err.Error()} }
	// Where the values files of `$name/...` are. The work tree stands for every clone, whatever its address.
	references, err := argo.GetRefSources(context.Background(), app.Spec.GetSources(), app.Spec.Project,
		func(_ context.Context, url, _ string) (*v1alpha1.Repository, error) {
			return &v1alpha1.Repository{Repo: url}, nil
		}, nil)
	if err != nil {
		return failed(err)
	}
	manifests := []json.RawMessage{}
	for _, source := range app.Spec.GetSources() {
		rendered, err := renderSource(request, app, source, references, job)
		if err != nil {
			return failed(err)
		}
		manifests = append(manifests, rendered...)
	}
	if manifests, err = definitions.in(manifests); err != nil {
		return failed(err)
	}
	if manifests, err = withoutIgnored(manifests, app.Spec.IgnoreDifferences); err != nil {
		return failed(err)
	}
	return Rendered{Manifests: manifests}
}

func renderSource(request Request, app v1alpha1.Application, source v1alpha1.ApplicationSource, references v1alpha1.RefTargetRevisionMapping, job Render) ([]json.RawMessage, error) {
	if source.Ref != "" && source.Path == "" && source.Chart == "" {
		return nil, nil
	}
	path, root, err := folderOf(request, source)
	if err != nil {
		return nil, err
	}
	// repo-server would look for such a file within the chart, and say no more than that it is not there.
	if source.Helm != nil {
		for _, file := range source.Helm.ValueFiles {
			if name, _, _ := strings.Cut(file, "/"); strings.HasPrefix(name, "$") && references[name] == nil {
				return nil, fmt.Errorf("values file %s: no source has `ref: %s`", file, name[1:])
			}
		}
	}
	scratch, err := os.MkdirTemp("", "render-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	clones := utilio.NewRandomizedTempPaths(scratch)
	for _, reference := range references {
		clones.Add(git.NormalizeGitURL(reference.Repo.Repo), request.Repository)
	}
	// What the application controller asks repo-server for; see controller/state.go.
	query := &apiclient.ManifestRequest{
		Repo:               &v1alpha1.Repository{Repo: source.RepoURL},
		Revision:           source.TargetRevision,
		AppName:            app.Name,
		Namespace:          app.Spec.Destination.Namespace,
		ApplicationSource:  source.DeepCopy(),
		KubeVersion:        job.KubeVersion,
		ApiVersions:        job.APIVersions,
		AppLabelKey:        common.LabelKeyAppInstance,
		TrackingMethod:     string(v1alpha1.TrackingMethodAnnotation),
		HasMultipleSources: app.Spec.HasMultipleSources(),
		RefSources:         references,
		ProjectName:        app.Spec.Project,
		HelmOptions:        &v1alpha1.HelmOptions{ValuesFileSchemes: []string{"https", "http"}},
	}
	response, err := repository.GenerateManifests(context.Background(), path, root, source.TargetRevision, query, false,
		git.NoopCredsStore{}, resource.MustParse("0"), clones)
	if err != nil {
		return nil, err
	}
	manifests := make([]json.RawMessage, len(response.Manifests))
	for i, manifest := range response.Manifests {
		manifests[i] = json.RawMessage(manifest)
	}
	return manifests, nil
}

// folderOf is where a source's files are, and the folder that they may not leave: for a chart of a Helm repository, its own.
func folderOf(request Request, source v1alpha1.ApplicationSource) (path, root string, err error) {
	if source.Chart != "" {
		for _, chart := range request.Charts {
			if chart.RepoURL == source.RepoURL && chart.Chart == source.Chart && chart.Version == source.TargetRevision {
				return chart.Folder, chart.Folder, nil
			}
		}
		return "", "", fmt.Errorf("chart %s %s of %s is not on this machine; run `make charts`", source.Chart, source.TargetRevision, source.RepoURL)
	}
	// As repo-server's own check of a source's path, which needs a clone.
	path = filepath.Join(request.Repository, source.Path)
	if relative, err := filepath.Rel(request.Repository, path); err != nil || strings.HasPrefix(relative, "..") || filepath.IsAbs(source.Path) {
		return "", "", fmt.Errorf("path %q leaves the repository", source.Path)
	}
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return "", "", fmt.Errorf("path %q: there is no such folder", source.Path)
	}
	return path, request.Repository, nil
}

// withoutIgnored takes out what an Application leaves to the cluster (its ignoreDifferences), by Argo CD's own code.
func withoutIgnored(manifests []json.RawMessage, ignored v1alpha1.IgnoreDifferences) ([]json.RawMessage, error) {
	if len(ignored) == 0 {
		return manifests, nil
	}
	normalizer, err := normalizers.NewIgnoreNormalizer(ignored, nil, normalizers.IgnoreNormalizerOpts{})
	if err != nil {
		return nil, err
	}
	result := make([]json.RawMessage, len(manifests))
	for i, manifest := range manifests {
		// Reading large definitions for nothing would take as long as rendering them.
		if !mayConcern(ignored, manifest) {
			result[i] = manifest
			continue
		}
		object := &unstructured.Unstructured{}
		if err := json.Unmarshal(manifest, object); err != nil {
			return nil, err
		}
		if err := normalizer.Normalize(object); err != nil {
			return nil, err
		}
		if result[i], err = json.Marshal(object); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// mayConcern says whether a manifest may be of a kind that is ignored in part; a kind with a wildcard may be any.
func mayConcern(ignored v1alpha1.IgnoreDifferences, manifest []byte) bool {
	for _, item := range ignored {
		if strings.ContainsAny(item.Kind, `*?[{`) || bytes.Contains(manifest, []byte(`"kind":"`+item.Kind+`"`)) {
			return true
		}
	}
	return false
}

// judge runs a health check in Argo CD's own Lua machine.
func judge(item Health) HealthStatus {
	status, err := lua.VM{}.ExecuteHealthLua(&item.Object, item.Script)
	if err != nil {
		return HealthStatus{Error: err.Error()}
	}
	return HealthStatus{Status: string(status.Status), Message: status.Message}
}

func generate(job Generate) Generated {
	secrets := &secretReader{secrets: job.Secrets}
	list := generators.NewListGenerator()
	clusters := generators.NewClusterGenerator(secrets, namespace)
	inner := map[string]generators.Generator{"List": list, "Clusters": clusters}
	all := map[string]generators.Generator{
		"List": list, "Clusters": clusters,
		"Matrix": generators.NewMatrixGenerator(inner), "Merge": generators.NewMergeGenerator(inner),
	}
	applications, _, err := template.GenerateApplications(log.NewEntry(log.StandardLogger()), job.ApplicationSet, all, &utils.Render{}, secrets)
	if err != nil {
		return Generated{Applications: []v1alpha1.Application{}, Error: err.Error()}
	}
	if applications == nil {
		applications = []v1alpha1.Application{}
	}
	return Generated{Applications: applications}
}

// secretReader is all that the cluster generator asks of a Kubernetes client.
type secretReader struct {
	client.Client
	secrets []corev1.Secret
}

func (r *secretReader) List(_ context.Context, list client.ObjectList, options ...client.ListOption) error {
	secrets, ok := list.(*corev1.SecretList)
	if !ok {
		return fmt.Errorf("only Secrets can be read here, not %T", list)
	}
	wanted := (&client.ListOptions{}).ApplyOptions(options)
	for _, secret := range r.secrets {
		if wanted.LabelSelector == nil || wanted.LabelSelector.Matches(labelSet(secret.Labels)) {
			secrets.Items = append(secrets.Items, secret)
		}
	}
	return nil
}

type labelSet map[string]string

func (s labelSet) Has(label string) bool              { _, ok := s[label]; return ok }
func (s labelSet) Get(label string) string            { return s[label] }
func (s labelSet) Lookup(label string) (string, bool) { value, ok := s[label]; return value, ok }

// podSecurity holds an object against a level of the Pod Security Standards, by the admission plugin's own checks. Objects without pods break nothing.
func podSecurity(item PodSecurity, evaluator policy.Evaluator) PodViolation {
	result := PodViolation{Violations: []string{}}
	var kind metav1.TypeMeta
	if err := json.Unmarshal(item.Object, &kind); err != nil {
		return PodViolation{Violations: []string{}, Error: err.Error()}
	}
	object, err := scheme.Scheme.New(kind.GroupVersionKind())
	if err != nil {
		// A custom resource: no pods of its own.
		return result
	}
	if err := json.Unmarshal(item.Object, object); err != nil {
		return PodViolation{Violations: []string{}, Error: err.Error()}
	}
	metadata, spec, err := admission.DefaultPodSpecExtractor{}.ExtractPodSpec(object)
	if err != nil || spec == nil {
		return result
	}
	level, err := api.ParseLevel(item.Level)
	if err != nil {
		return PodViolation{Violations: []string{}, Error: err.Error()}
	}
	version, err := api.ParseVersion("v" + item.Version)
	if err != nil {
		return PodViolation{Violations: []string{}, Error: err.Error()}
	}
	for _, check := range evaluator.EvaluatePod(api.LevelVersion{Level: level, Version: version}, metadata, spec) {
		if !check.Allowed {
			result.Violations = append(result.Violations, strings.TrimSpace(check.ForbiddenReason+" "+check.ForbiddenDetail))
		}
	}
	return result
}
