import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { KubernetesObject } from '@gitops/manifests/object';
import { CommandError } from '@gitops/report/errors';
import { run, RunError } from '@gitops/tools/run';
import { PROMETHEUS_VERSION, type Tools } from '@gitops/tools/tools';
import type { Instance } from '../instance.ts';
import { pkiFile } from '../kubernetes-api.ts';
import type { PodNetworks } from '../node-agents.ts';
import type { LocalNode } from '../nodes.ts';
import type { Ports } from '../ports.ts';
import { tokenFile } from './account.ts';
import { argocdTargets, clusterJobs, namespaceOf, type StaticTargets } from './targets.ts';

/** What Prometheus and Alertmanager read. */
export interface MonitoringFiles {
  /** prometheus.yml, without its rule files. */
  readonly prometheus: Readonly<Record<string, unknown>>;
  /** Rule files by name. */
  readonly rules: Readonly<Record<string, object>>;
  /** alertmanager.yml. */
  readonly alertmanager: string;
}

/** What differs from machine to machine. */
export interface Machine {
  readonly instance: Instance;
  readonly ports: Ports;
  readonly nodes: readonly LocalNode[];
  /** Undefined where all pods are simulated. */
  readonly networks: PodNetworks | undefined;
}

/**
 * Makes the files of Prometheus and Alertmanager from the objects that charts/monitoring renders. Monitors are
 * translated by the operator's own code; what it cannot know of this machine is added here.
 * Throws CommandError for monitors that the operator refuses, and where no Alertmanager file was rendered.
 */
export async function monitoringFiles(
  objects: readonly KubernetesObject[],
  tools: Pick<Tools, 'bin'>,
  machine: Machine,
): Promise<MonitoringFiles> {
  const rules: Record<string, object> = {};
  for (const { kind, metadata, spec } of objects)
    if (kind === 'PrometheusRule') rules[metadata.name] = { groups: (spec as { groups: readonly object[] }).groups };
  return {
    prometheus: await prometheusFile(objects, tools, machine),
    rules,
    alertmanager: alertmanagerFile(objects),
  };
}

function alertmanagerFile(objects: readonly KubernetesObject[]): string {
  for (const { kind, stringData } of objects) {
    const file = (stringData as Record<string, string> | undefined)?.['alertmanager.yaml'];
    if (kind === 'Secret' && file !== undefined) return file;
  }
  throw new CommandError(
    'charts/monitoring renders no Secret with alertmanager.yaml',
    "Alertmanager's routes are missing from the chart",
  );
}

const MONITORS: readonly string[] = ['ServiceMonitor', 'PodMonitor'];

async function prometheusFile(
  objects: readonly KubernetesObject[],
  tools: Pick<Tools, 'bin'>,
  machine: Machine,
): Promise<Record<string, unknown>> {
  const { instance, ports, nodes } = machine;
  const monitors = objects
    .filter(({ kind }) => MONITORS.includes(kind))
    .map(({ metadata, ...object }) => ({ ...object, metadata: { namespace: 'monitoring', ...metadata } }));
  const input = JSON.stringify({ kind: 'List', items: [prometheusObject(machine), ...monitors] });
  let output: string;
  try {
    output = await run(join(tools.bin, 'monitoring-config'), [], { input });
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    throw new CommandError(
      `the Prometheus operator refuses a monitor of charts/monitoring: ${error.stderr.trim()}`,
      'correct it, then run `make deploy` and `make monitoring` again',
    );
  }
  // In a pod, the operator's reloader writes the number of the shard; there is one.
  const file = parse(output.replaceAll('$(SHARD)', '0')) as { scrape_configs?: ScrapeConfig[] };
  const jobs = (file.scrape_configs ?? []).map((job) => withStaticTargets(job, argocdTargets(ports)));
  return {
    ...file,
    scrape_configs: [...jobs, ...clusterJobs(instance, ports, nodes)],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [`127.0.0.1:${ports.alertmanager}`] }] }] },
  };
}

interface ScrapeConfig {
  readonly kubernetes_sd_configs?: readonly { readonly role: string; readonly namespaces?: { names: string[] } }[];
  readonly static_configs?: readonly StaticTargets[];
}

/**
 * Adds targets to a job that would discover them, had they Services: those of its namespaces. Its own relabelings keep
 * what its selector matches.
 */
function withStaticTargets(job: ScrapeConfig, targets: readonly StaticTargets[]): ScrapeConfig {
  const discovery = job.kubernetes_sd_configs?.find(({ role }) => role === 'endpointslice');
  if (discovery === undefined) return job;
  const names = discovery.namespaces?.names;
  const covered = targets.filter((group) => names === undefined || names.includes(namespaceOf(group) ?? ''));
  return covered.length === 0 ? job : { ...job, static_configs: covered };
}

/** The Prometheus that the operator is told to configure. */
function prometheusObject({ instance, ports, networks }: Machine): object {
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'Prometheus',
    metadata: { name: 'local', namespace: 'monitoring' },
    spec: {
      version: `v${PROMETHEUS_VERSION}`,
      scrapeInterval: '30s',
      evaluationInterval: '30s',
      externalLabels: { cluster: instance.cluster },
      // One server, so no label tells several apart.
      prometheusExternalLabelName: '',
      replicaExternalLabelName: '',
      serviceDiscoveryRole: 'EndpointSlice',
      apiserverConfig: {
        host: `https://127.0.0.1:${ports['kube-apiserver']}`,
        authorization: { type: 'Bearer', credentialsFile: tokenFile(instance) },
        tlsConfig: { caFile: pkiFile(instance, 'ca.crt') },
      },
      scrapeClasses: [{ name: 'this-machine', default: true, relabelings: loopbackRelabelings(networks) }],
    },
  };
}

/**
 * A pod reports an address for documentation, and its process listens at the same place of a network of loopback.
 * Simulated pods have no process: nothing is sent to an address that was not translated.
 */
function loopbackRelabelings(networks: PodNetworks | undefined): object[] {
  const translation: object[] = [];
  if (networks !== undefined) {
    const prefix = (network: string): string => network.replace(/0\/24$/, '');
    translation.push({
      action: 'replace',
      sourceLabels: ['__address__'],
      regex: `${prefix(networks.pods).replaceAll('.', String.raw`\.`)}(\\d+):(\\d+)`,
      replacement: `${prefix(networks.loopback)}$1:$2`,
      targetLabel: '__address__',
    });
  }
  return [
    // As in other clusters: the address that Kubernetes knows.
    { action: 'replace', sourceLabels: ['__address__'], targetLabel: 'instance' },
    ...translation,
    { action: 'keep', sourceLabels: ['__address__'], regex: String.raw`127\..+` },
  ];
}

/** A file as it is written. */
export const yamlOf = (content: unknown): string => stringify(content, { lineWidth: 0 });
