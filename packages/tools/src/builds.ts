import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { goFolder } from './go.ts';

/**
 * The Kubernetes release that go.mod pins; the binaries must carry it, since Argo CD hands it to Helm as
 * --kube-version.
 */
export const KUBERNETES_VERSION = 'v1.36.3';
/** The release of Argo CD that go.mod pins; clusters run the same. */
export const ARGOCD_VERSION = '3.5.7';

/** The version of a module that a go.mod pins, without its v. */
function pinned(folder: string, module: string): string {
  const text = readFileSync(join(goFolder, folder, 'go.mod'), 'utf8');
  const version = new RegExp(`^\\s*(?:require )?${module} v(\\S+)`, 'm').exec(text)?.[1];
  if (version === undefined) throw new Error(`go/${folder}/go.mod does not pin ${module}`);
  return version;
}

/** The release of Prometheus: 3.15.0 is the module's 0.315.0. */
export const PROMETHEUS_VERSION = pinned('prometheus', 'github.com/prometheus/prometheus').replace(
  /^0\.(\d)0?(\d+)\./,
  '$1.$2.',
);
const ALERTMANAGER_VERSION = pinned('prometheus', 'github.com/prometheus/alertmanager');

/** Programs that are built together. */
export interface Build {
  /** The folder of its go.mod, below go/. */
  readonly module: string;
  /** The programs, by the package that holds their main. */
  readonly packages: Readonly<Record<string, string>>;
  readonly linkerFlags: readonly string[];
  /** Build tags, which leave out parts that nobody here uses. */
  readonly tags?: readonly string[];
  /** What upstream generates before it compiles, and its module does not carry. */
  readonly generated?: {
    /** The module that lacks it. */
    readonly module: string;
    /** Text by file, below the module's folder. */
    readonly files: Readonly<Record<string, string>>;
  };
  /** Files of our own that go into it, below the module's folder. */
  readonly sources: readonly string[];
  /** How long it takes on two cores the first time. */
  readonly minutes: number;
}

const kubernetesFlags = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((path) => {
  const [major = '', minor = ''] = KUBERNETES_VERSION.slice(1).split('.');
  return [
    `-X ${path}.gitVersion=${KUBERNETES_VERSION}`,
    `-X ${path}.gitMajor=${major}`,
    `-X ${path}.gitMinor=${minor}`,
    `-X ${path}.gitTreeState=clean`,
  ];
});
const stackFlags = [
  '-s',
  '-w',
  ...kubernetesFlags,
  `-X github.com/argoproj/argo-cd/v3/common.version=${ARGOCD_VERSION}`,
];

/** All Go files of a folder below go/ but tests, so that none is forgotten. */
function goFiles(folder: string): string[] {
  const files = readdirSync(join(goFolder, folder), { recursive: true, encoding: 'utf8' });
  const sources = files.filter((file) => file.endsWith('.go') && !file.endsWith('_test.go'));
  return sources.sort().map((file) => join(folder, file));
}

/** What is built together and kept together: a change of one leaves the programs of the others as they are. */
export const BUILDS = {
  /** What a cluster runs, and what people talk to it with. */
  stack: {
    module: '.',
    packages: {
      'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
      'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
      'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
      kubectl: 'k8s.io/kubernetes/cmd/kubectl',
      etcd: 'go.etcd.io/etcd/server/v3',
      kwok: 'sigs.k8s.io/kwok/cmd/kwok',
      kwokctl: 'sigs.k8s.io/kwok/cmd/kwokctl',
      helm: 'helm.sh/helm/v4/cmd/helm',
      argocd: 'github.com/argoproj/argo-cd/v3/cmd',
    },
    linkerFlags: stackFlags,
    sources: [],
    minutes: 6,
  },
  /** Our own small programs over the same modules. */
  own: {
    module: '.',
    packages: {
      redis: 'gitops-platform/tools/redis',
      'argocd-render': 'gitops-platform/tools/render',
      'helm-definitions': 'gitops-platform/tools/definitions',
    },
    linkerFlags: stackFlags,
    sources: ['redis/main.go', ...goFiles('render'), 'render/linkname.s', 'definitions/main.go'],
    minutes: 1,
  },
  /** Nodes of the local machine: a kubelet whose containers are processes, and the parent of each container. */
  node: {
    module: '.',
    packages: {
      'node-agent': 'gitops-platform/tools/node-agent',
      'container-shim': 'gitops-platform/tools/node-agent/shim',
    },
    linkerFlags: stackFlags,
    sources: goFiles('node-agent'),
    minutes: 2,
  },
  /** What the autoscaler and `kubectl top` read. */
  metrics: {
    module: 'metrics-server',
    packages: { 'metrics-server': 'sigs.k8s.io/metrics-server/cmd/metrics-server' },
    linkerFlags: ['-s', '-w'],
    sources: [],
    minutes: 1,
  },
  /** What adds nodes for pods that find no room; its provider for KWOK, which simulates the nodes. */
  karpenter: {
    module: 'karpenter',
    packages: { karpenter: 'sigs.k8s.io/karpenter/kwok' },
    linkerFlags: ['-s', '-w'],
    sources: [],
    minutes: 2,
  },
  /** A registry, and what assembles the image of the service. */
  images: {
    module: 'images',
    packages: {
      registry: 'gitops-platform/tools/images/registry',
      image: 'gitops-platform/tools/images/image',
    },
    linkerFlags: ['-s', '-w'],
    sources: ['registry/main.go', 'image/assemble.go', 'image/layer.go', 'image/main.go', 'image/push.go'],
    minutes: 1,
  },
  /** What applies the platform. `dev=no`: a release says so of itself. */
  opentofu: {
    module: 'opentofu',
    packages: { tofu: 'github.com/opentofu/opentofu/cmd/tofu' },
    linkerFlags: ['-s', '-w', '-X github.com/opentofu/opentofu/version.dev=no'],
    sources: [],
    minutes: 3,
  },
  /** An S3 server over a folder, for tests of state in a bucket. */
  s3: {
    module: 'versitygw',
    packages: { versitygw: 'github.com/versity/versitygw/cmd/versitygw' },
    linkerFlags: ['-s', '-w'],
    sources: [],
    minutes: 1,
  },
  /** What puts load on the service. */
  load: {
    module: 'load',
    packages: { k6: 'go.k6.io/k6', hey: 'github.com/rakyll/hey' },
    linkerFlags: ['-s', '-w'],
    sources: [],
    minutes: 1,
  },
  /** What scrapes, records and alerts, and what checks its rules. Of all ways to discover targets, only Kubernetes' own. */
  prometheus: {
    module: 'prometheus',
    packages: {
      prometheus: 'github.com/prometheus/prometheus/cmd/prometheus',
      promtool: 'github.com/prometheus/prometheus/cmd/promtool',
    },
    tags: ['remove_all_sd', 'enable_kubernetes_sd'],
    linkerFlags: ['-s', '-w', `-X github.com/prometheus/common/version.Version=${PROMETHEUS_VERSION}`],
    sources: [],
    minutes: 2,
  },
  /** What turns ServiceMonitors and PodMonitors into Prometheus' configuration, by the operator's own code. */
  operator: {
    module: 'monitoring-config',
    packages: { 'monitoring-config': 'gitops-platform/tools/monitoring-config' },
    linkerFlags: ['-s', '-w'],
    sources: ['main.go'],
    minutes: 1,
  },
  /** What routes alerts to receivers, and what checks its routes. */
  alertmanager: {
    module: 'prometheus',
    packages: {
      alertmanager: 'github.com/prometheus/alertmanager/cmd/alertmanager',
      amtool: 'github.com/prometheus/alertmanager/cmd/amtool',
    },
    linkerFlags: ['-s', '-w', `-X github.com/prometheus/common/version.Version=${ALERTMANAGER_VERSION}`],
    generated: {
      module: 'github.com/prometheus/alertmanager',
      files: {
        'ui/app/dist/index.html':
          '<!doctype html><title>Alertmanager</title>This build has no web interface. Alerts: <a href="api/v2/alerts">api/v2/alerts</a>, or amtool.\n',
      },
    },
    sources: [],
    minutes: 1,
  },
  /** What checks GitHub's workflows, and runs them. */
  ci: {
    module: 'ci',
    packages: { act: 'github.com/nektos/act', actionlint: 'github.com/rhysd/actionlint/cmd/actionlint' },
    linkerFlags: ['-s', '-w'],
    sources: [],
    minutes: 1,
  },
} as const satisfies Readonly<Record<string, Build>>;

export type BuildName = keyof typeof BUILDS;
export const ALL_BUILDS = Object.keys(BUILDS) as BuildName[];

/** What `make up` needs. */
export const LOCAL_MACHINE: readonly BuildName[] = [
  'stack',
  'own',
  'metrics',
  'images',
  // Containers that are processes are made for Linux alone.
  ...(process.platform === 'linux' ? (['node'] as const) : []),
];

/** What `make monitoring` needs beside it. */
export const MONITORING: readonly BuildName[] = ['prometheus', 'alertmanager', 'operator'];
