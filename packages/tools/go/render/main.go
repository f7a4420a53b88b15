// Renders what Argo CD would deploy, by Argo CD's own code: its ApplicationSet controller's generator and template functions and
// its repo-server's GenerateManifests, which calls the `helm` of the PATH. What this program adds is the reading of the work
// tree in place of a Git clone, and of the cluster's facts in place of its Secret.
//
// One request a line on standard input, one answer a line on standard output, both JSON; see Request and Answer.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	log "github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
	"github.com/argoproj/argo-cd/v3/util/git"
	utilio "github.com/argoproj/argo-cd/v3/util/io"
)

const namespace = "argocd"

// Request asks for Applications of ApplicationSets, manifests of Applications, or both.
type Request struct {
	// The work tree.
	Repository string `json:"repository"`
	// Applications to render.
	Renders []Render `json:"renders,omitempty"`
	// ApplicationSets to resolve.
	Generates []Generate `json:"generates,omitempty"`
	// Objects to hold against a Pod Security level.
	PodSecurity []PodSecurity `json:"podSecurity,omitempty"`
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

// Answer holds one entry for each of the request's, in its order.
type Answer struct {
	Renders     []Rendered     `json:"renders"`
	Generates   []Generated    `json:"generates"`
	PodSecurity []PodViolation `json:"podSecurity"`
	Error       string         `json:"error,omitempty"`
}

type Rendered struct {
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

func main() {
	log.SetOutput(os.Stderr)
	log.SetLevel(log.ErrorLevel)
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, "render:", err)
		os.Exit(1)
	}
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			if err := out.Encode(answer(line, evaluator)); err != nil {
				fmt.Fprintln(os.Stderr, "render:", err)
				os.Exit(1)
			}
		}
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "render:", err)
			os.Exit(1)
		}
	}
}

func answer(line []byte, evaluator policy.Evaluator) Answer {
	var request Request
	if err := json.Unmarshal(line, &request); err != nil {
		return Answer{Error: err.Error()}
	}
	result := Answer{
		Renders:     make([]Rendered, len(request.Renders)),
		Generates:   make([]Generated, len(request.Generates)),
		PodSecurity: make([]PodViolation, len(request.PodSecurity)),
	}
	inParallel(len(request.Renders), func(i int) { result.Renders[i] = render(request.Repository, request.Renders[i]) })
	inParallel(len(request.Generates), func(i int) { result.Generates[i] = generate(request.Generates[i]) })
	for i, item := range request.PodSecurity {
		result.PodSecurity[i] = podSecurity(item, evaluator)
	}
	return result
}

// One more than there are processors: while one render is being parsed, another's helm runs.
func inParallel(count int, do func(int)) {
	slots := make(chan struct{}, runtime.NumCPU()+1)
	var group sync.WaitGroup
	for i := range count {
		group.Add(1)
		slots <- struct{}{}
		go func() {
			defer group.Done()
			defer func() { <-slots }()
			do(i)
		}()
	}
	group.Wait()
}

func render(repository string, job Render) Rendered {
	app := job.Application
	result := Rendered{Manifests: []json.RawMessage{}}
	for _, source := range app.Spec.GetSources() {
		manifests, err := renderSource(repository, app, source, job)
		if err != nil {
			result.Error = err.Error()
			return result
		}
		result.Manifests = append(result.Manifests, manifests...)
	}
	return result
}

func renderSource(root string, app v1alpha1.Application, source v1alpha1.ApplicationSource, job Render) ([]json.RawMessage, error) {
	if source.Ref != "" && source.Path == "" && source.Chart == "" {
		return nil, nil
	}
	if source.Chart != "" {
		return nil, fmt.Errorf("chart %s of %s is not in this repository", source.Chart, source.RepoURL)
	}
	// As repo-server's own check of a source's path, which needs a clone.
	path := filepath.Join(root, source.Path)
	if relative, err := filepath.Rel(root, path); err != nil || strings.HasPrefix(relative, "..") || filepath.IsAbs(source.Path) {
		return nil, fmt.Errorf("path %q leaves the repository", source.Path)
	}
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("path %q: there is no such folder", source.Path)
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
		ProjectName:        app.Spec.Project,
		HelmOptions:        &v1alpha1.HelmOptions{ValuesFileSchemes: []string{"https", "http"}},
	}
	scratch, err := os.MkdirTemp("", "render-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	response, err := repository.GenerateManifests(context.Background(), path, root, source.TargetRevision, query, false,
		git.NoopCredsStore{}, resource.MustParse("0"), utilio.NewRandomizedTempPaths(scratch))
	if err != nil {
		return nil, err
	}
	manifests := make([]json.RawMessage, len(response.Manifests))
	for i, manifest := range response.Manifests {
		manifests[i] = json.RawMessage(manifest)
	}
	return manifests, nil
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
