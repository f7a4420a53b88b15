package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/kubernetes"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/record"
	internalapi "k8s.io/cri-api/pkg/apis"
	"k8s.io/kubernetes/cmd/kubelet/app"
	kubeletoptions "k8s.io/kubernetes/cmd/kubelet/app/options"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/kubelet"
	kubeletconfig "k8s.io/kubernetes/pkg/kubelet/apis/config"
	"k8s.io/kubernetes/pkg/kubelet/cm"
	kubecontainer "k8s.io/kubernetes/pkg/kubelet/container"
	"k8s.io/kubernetes/pkg/kubelet/lifecycle"
	kubeletutil "k8s.io/kubernetes/pkg/kubelet/util"
	"k8s.io/kubernetes/pkg/util/oom"
	"k8s.io/kubernetes/pkg/volume"
	"k8s.io/kubernetes/pkg/volume/configmap"
	"k8s.io/kubernetes/pkg/volume/downwardapi"
	"k8s.io/kubernetes/pkg/volume/emptydir"
	"k8s.io/kubernetes/pkg/volume/projected"
	"k8s.io/kubernetes/pkg/volume/secret"
	"k8s.io/kubernetes/pkg/volume/util/hostutil"
	"k8s.io/kubernetes/pkg/volume/util/subpath"
	"k8s.io/mount-utils"
)

// runtimeFolder is where the container runtime keeps what it knows, kubeletFolder where the kubelet does.
func runtimeFolder(state string) string { return filepath.Join(state, "runtime") }
func kubeletFolder(state string) string { return filepath.Join(state, "kubelet") }

// serveKubelet starts the kubelet over a container runtime and an image service, and returns at once.
func serveKubelet(
	ctx context.Context, o options, config *rest.Config, t translation,
	containers internalapi.RuntimeService, images internalapi.ImageManagerService,
) error {
	// Of the many directories of a kubelet this one alone is not below a folder that it is told.
	kubelet.ContainerLogsDir = filepath.Join(o.state, "logs")

	flags, configuration, err := kubeletSettings(o)
	if err != nil {
		return err
	}
	if err := utilfeature.DefaultMutableFeatureGate.SetFromMap(configuration.FeatureGates); err != nil {
		return err
	}
	client, err := newKubeletClient(config, t)
	if err != nil {
		return err
	}
	heartbeat := rest.CopyConfig(config)
	heartbeat.Timeout = configuration.NodeStatusUpdateFrequency.Duration
	heartbeatClient, err := kubernetes.NewForConfig(heartbeat)
	if err != nil {
		return err
	}
	auth, watchCA, err := app.BuildAuth(types.NodeName(o.node), client, *configuration)
	if err != nil {
		return fmt.Errorf("--client-ca: %w", err)
	}
	watchCA(ctx.Done())
	tls, err := app.InitializeTLS(ctx, flags, configuration)
	if err != nil {
		return fmt.Errorf("--tls-cert: %w", err)
	}
	recorder, err := newRecorder(ctx, config, o.node)
	if err != nil {
		return err
	}
	machine := machine{node: o.node, folder: o.state}
	dependencies := &kubelet.Dependencies{
		Auth:                      auth,
		CAdvisorInterface:         machine,
		ContainerManager:          containerManager{cm.NewStubContainerManager(), machine},
		HeartbeatClient:           heartbeatClient,
		HostUtil:                  hostutil.NewFakeHostUtil(nil),
		KubeClient:                client,
		Mounter:                   mount.NewFakeMounter(nil),
		NodeStartupLatencyTracker: kubeletutil.NewNodeStartupLatencyTracker(),
		OOMAdjuster:               oom.NewFakeOOMAdjuster(),
		OSInterface:               withoutLogLinks{kubecontainer.RealOS{}},
		PodStartupLatencyTracker:  kubeletutil.NewPodStartupLatencyTracker(),
		RemoteImageService:        images,
		RemoteRuntimeService:      containers,
		Subpather:                 &subpath.FakeSubpath{},
		TLSOptions:                tls,
		VolumePlugins:             volumePlugins(),
	}
	withoutKernelLog(dependencies, recorder)
	return startKubelet(ctx, o, flags, configuration, dependencies)
}

// startKubelet does what app.RunKubelet does, except for the sockets that tell monitors about devices: their paths, below
// the state folder, may be longer than a socket's can be.
func startKubelet(
	ctx context.Context, o options, flags *kubeletoptions.KubeletFlags, configuration *kubeletconfig.KubeletConfiguration,
	dependencies *kubelet.Dependencies,
) error {
	node, err := kubelet.NewMainKubelet(
		ctx,
		configuration,
		dependencies,
		&flags.ContainerRuntimeOptions,
		o.node,
		types.NodeName(o.node),
		nil, // node IPs: registerNode reports the address
		configuration.ProviderID,
		flags.CloudProvider,
		flags.CertDirectory,
		flags.RootDirectory,
		configuration.PodLogsDir,
		"", // credential providers' configuration
		"", // and programs
		configuration.RegisterNode,
		configuration.RegisterWithTaints,
		configuration.AllowedUnsafeSysctls,
		flags.ExperimentalMounterPath,
		configuration.KernelMemcgNotification,
		flags.ExperimentalNodeAllocatableIgnoreEvictionThreshold,
		flags.MinimumGCAge,
		flags.MaxPerPodContainerCount,
		flags.MaxContainerCount,
		flags.NodeLabels,
		configuration.NodeStatusMaxImages,
		configuration.SeccompDefault,
	)
	if err != nil {
		return err
	}
	node.BirthCry()
	node.StartGarbageCollection(ctx)
	go node.Run(ctx, relistOnStatus(dependencies.PodConfig.Updates(), node.RequestPodRelist))
	go node.ListenAndServe(ctx, configuration, dependencies.TLSConfig, dependencies.Auth, dependencies.TracerProvider)
	return nil
}

// kubeletSettings are the kubelet's defaults except where a node of this machine differs.
func kubeletSettings(o options) (*kubeletoptions.KubeletFlags, *kubeletconfig.KubeletConfiguration, error) {
	flags := kubeletoptions.NewKubeletFlags()
	flags.HostnameOverride = o.node
	flags.RootDirectory = kubeletFolder(o.state)
	// registerNode says which address the node has, as a cloud's controller would.
	flags.CloudProvider = "external"

	c, err := kubeletoptions.NewKubeletConfiguration()
	if err != nil {
		return nil, nil, err
	}
	c.RegisterNode = false
	c.Address = nodeAddress
	c.Port = o.port
	c.ReadOnlyPort = 0
	c.HealthzPort = 0
	c.TLSCertFile = o.certificate
	c.TLSPrivateKeyFile = o.key
	c.Authentication.Anonymous.Enabled = false
	c.Authentication.X509.ClientCAFile = o.clientCA
	c.Authentication.Webhook.Enabled = true
	c.Authorization.Mode = kubeletconfig.KubeletAuthorizationModeWebhook
	c.PodLogsDir = filepath.Join(o.state, "pod-logs")
	// The machine's own log files are nobody's business.
	c.EnableSystemLogHandler = false
	c.VolumePluginDir = filepath.Join(o.state, "volume-plugins")
	// Processes use the machine's own DNS; without an address here the kubelet would warn about it for each pod.
	c.ResolverConfig = ""
	c.ClusterDNS = []string{nodeAddress}
	c.SerializeImagePulls = false
	c.RegistryPullQPS = 0
	// There are no cgroups, and no swap to forbid.
	c.CgroupsPerQOS = false
	c.EnforceNodeAllocatable = nil
	c.FailSwapOn = false
	c.FailCgroupV1 = false
	c.MakeIPTablesUtilChains = false
	c.EnableControllerAttachDetach = false
	// A full disk is the user's, not a reason to end pods or to delete images.
	c.EvictionHard = map[string]string{}
	c.ImageGCHighThresholdPercent = 100
	c.FeatureGates = map[string]bool{
		// It reads the cgroup of each pod.
		"InPlacePodLevelResourcesVerticalScaling": false,
	}
	return flags, c, nil
}

// volumePlugins are those of volumes that are folders; admission refuses all others by name.
func volumePlugins() []volume.VolumePlugin {
	var plugins []volume.VolumePlugin
	plugins = append(plugins, emptydir.ProbeVolumePlugins()...)
	plugins = append(plugins, configmap.ProbeVolumePlugins()...)
	plugins = append(plugins, secret.ProbeVolumePlugins()...)
	plugins = append(plugins, projected.ProbeVolumePlugins()...)
	return append(plugins, downwardapi.ProbeVolumePlugins()...)
}

// newRecorder sends events to the API server.
func newRecorder(ctx context.Context, config *rest.Config, node string) (record.EventRecorderLogger, error) {
	client, err := corev1.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	broadcaster.StartStructuredLogging(3)
	broadcaster.StartRecordingToSink(&corev1.EventSinkImpl{Interface: client.Events("")})
	return broadcaster.NewRecorder(legacyscheme.Scheme, v1.EventSource{Component: "kubelet", Host: node}), nil
}

// withoutKernelLog completes dependencies so that the kubelet does not read the kernel's log, which most machines allow
// root alone: it reports the machine's out-of-memory kills, and is not made for a FakeRecorder. So the kubelet starts
// with one, and gets the real recorder at the first thing that it asks for afterwards, its tracer.
func withoutKernelLog(dependencies *kubelet.Dependencies, recorder record.EventRecorderLogger) {
	dependencies.Recorder = &record.FakeRecorder{}
	dependencies.TracerProvider = &tracerProvider{onFirst: func() { dependencies.Recorder = recorder }}
}

type tracerProvider struct {
	noop.TracerProvider
	once    sync.Once
	onFirst func()
}

func (p *tracerProvider) Tracer(name string, options ...trace.TracerOption) trace.Tracer {
	p.once.Do(p.onFirst)
	return p.TracerProvider.Tracer(name, options...)
}

// containerManager has no cgroups to manage; it knows the size of the disk and which pods are refused.
type containerManager struct {
	cm.ContainerManager
	machine machine
}

// GetPodCgroupRoot names what the kubelet watches the memory of all pods by; machine counts itself for it.
func (containerManager) GetPodCgroupRoot() string { return allPods }

func (c containerManager) GetCapacity(isLocalStorageCounted bool) v1.ResourceList {
	disk, err := c.machine.RootFsInfo()
	if err != nil || !isLocalStorageCounted {
		return v1.ResourceList{}
	}
	return v1.ResourceList{v1.ResourceEphemeralStorage: *resource.NewQuantity(int64(disk.Capacity), resource.BinarySI)}
}

func (containerManager) GetAllocateResourcesPodAdmitHandler() lifecycle.PodAdmitHandler {
	return admission{}
}

// withoutLogLinks keeps the kubelet from linking each log into /var/log/containers.
type withoutLogLinks struct{ kubecontainer.OSInterface }

func (withoutLogLinks) Symlink(string, string) error  { return nil }
func (withoutLogLinks) Glob(string) ([]string, error) { return nil, nil }
