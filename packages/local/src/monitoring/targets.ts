import type { Instance } from '../instance.ts';
import { pkiFile } from '../kubernetes-api.ts';
import type { LocalNode } from '../nodes.ts';
import { type DaemonName, type PortName, portOf, type Ports } from '../ports.ts';
import { tokenFile } from './account.ts';

// What Prometheus cannot discover here: processes of this machine that are pods with Services in other clusters.

/** A group of targets in Prometheus' configuration; labels that begin with __meta are those of its discovery. */
export interface StaticTargets {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** The namespace in which a group of targets would be discovered. */
export const namespaceOf = ({ labels }: StaticTargets): string | undefined => labels.__meta_kubernetes_namespace;

/** Argo CD's components with metrics, and the port of each here; the argo-cd chart names their Services so. */
const ARGOCD: readonly (readonly [component: string, port: PortName])[] = [
  ['application-controller', 'application-controller-metrics'],
  ['repo-server', 'repo-server-metrics'],
  ['server', 'server-metrics'],
  ['applicationset-controller', 'applicationset-controller-metrics'],
  ['notifications-controller', 'notifications-controller-metrics'],
];

/**
 * Argo CD's components with the labels that discovery gives them where they have Services, so that the monitors'
 * selectors and relabelings work on them unchanged.
 */
export function argocdTargets(ports: Ports): StaticTargets[] {
  return ARGOCD.map(([component, port]) => {
    const service = `argocd-${component}-metrics`;
    const labels = {
      'app.kubernetes.io/name': service,
      'app.kubernetes.io/component': component,
      'app.kubernetes.io/part-of': 'argocd',
      'app.kubernetes.io/instance': 'argocd',
    };
    const meta: Record<string, string> = {
      namespace: 'argocd',
      service_name: service,
      endpoint_port_name: 'http-metrics',
      endpoint_ready: 'true',
      endpoint_address_target_kind: 'Pod',
      endpoint_address_target_name: `argocd-${component}`,
      endpointslice_port_name: 'http-metrics',
      endpointslice_endpoint_conditions_ready: 'true',
      endpointslice_address_target_kind: 'Pod',
      endpointslice_address_target_name: `argocd-${component}`,
      pod_name: `argocd-${component}`,
      pod_container_name: component,
      pod_phase: 'Running',
      pod_ready: 'true',
    };
    for (const [name, value] of Object.entries(labels)) {
      const word = name.replaceAll(/[^a-zA-Z0-9_]/g, '_');
      meta[`service_label_${word}`] = value;
      meta[`service_labelpresent_${word}`] = 'true';
    }
    const named = Object.entries(meta).map(([name, value]) => [`__meta_kubernetes_${name}`, value]);
    return {
      targets: [`127.0.0.1:${ports[port]}`],
      labels: Object.fromEntries(named) as Record<string, string>,
    };
  });
}

/**
 * The API server, the kubelets, Prometheus and Alertmanager, which kube-prometheus-stack scrapes in other clusters, under
 * the same job names.
 * Containers come from /metrics/resource: the kubelets of this machine have no cAdvisor.
 */
export function clusterJobs(instance: Instance, ports: Ports, nodes: readonly LocalNode[]): object[] {
  const common = {
    scheme: 'https',
    authorization: { type: 'Bearer', credentials_file: tokenFile(instance) },
    tls_config: { ca_file: pkiFile(instance, 'ca.crt') },
  };
  const kubelet = (path: string): object => ({
    job_name: `kubelet${path}`,
    metrics_path: path,
    ...common,
    static_configs: nodes.map(({ name }) => ({
      targets: [`127.0.0.1:${portOf(`node-agent-${name}` as DaemonName, ports)}`],
      labels: { job: 'kubelet', namespace: 'kube-system', node: name, metrics_path: path },
    })),
  });
  const apiserver = {
    job_name: 'apiserver',
    ...common,
    static_configs: [
      { targets: [`127.0.0.1:${ports['kube-apiserver']}`], labels: { job: 'apiserver', namespace: 'default' } },
    ],
    // Nine of ten series, and nothing here reads them.
    metric_relabel_configs: [{ action: 'drop', source_labels: ['__name__'], regex: '.+_bucket' }],
  };
  const own = (name: 'prometheus' | 'alertmanager'): object => ({
    job_name: name,
    static_configs: [
      { targets: [`127.0.0.1:${ports[name]}`], labels: { job: `kps-${name}`, namespace: 'monitoring', pod: name } },
    ],
  });
  const jobs = [apiserver, own('prometheus'), own('alertmanager')];
  return nodes.length === 0 ? jobs : [...jobs, kubelet('/metrics'), kubelet('/metrics/resource')];
}
