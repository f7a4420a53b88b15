import { CONTROLLERS } from '@gitops/settings';
import { namespaceOf } from '../kubernetes/namespace.ts';
import { groupOf, type KubernetesObject, nameOf } from '../kubernetes/object.ts';
import { isEmpty, type LabelSelector, selects } from '../kubernetes/selector.ts';
import { podLabelsOf, portsOf, services, workloads } from '../kubernetes/workload.ts';
import type { FleetApplication } from '../render/fleet.ts';
import { placed, renderedOnly } from '../render/rendered.ts';
import { missingChartOf } from '../render/unchecked.ts';
import { objectProblem } from './location.ts';
import { OUR_SERVICE } from './our-service.ts';
import type { Problem } from './problem.ts';
import type { ProofContext } from './proof.ts';

// A monitor that selects nothing, or names a missing port, scrapes nothing and reports no error.

interface Endpoint {
  readonly port?: string;
  readonly path?: string;
}

/** A ServiceMonitor or PodMonitor. */
interface Monitor extends KubernetesObject {
  readonly spec?: {
    readonly selector?: LabelSelector;
    readonly namespaceSelector?: { readonly any?: boolean; readonly matchNames?: readonly string[] };
    readonly endpoints?: readonly Endpoint[];
    readonly podMetricsEndpoints?: readonly Endpoint[];
  };
}

const isMonitor = (object: KubernetesObject): object is Monitor =>
  groupOf(object) === 'monitoring.coreos.com' && ['ServiceMonitor', 'PodMonitor'].includes(object.kind);

/** Our monitors that scrape nothing, or something twice. Where an Application does not render, its targets are unknown. */
export function monitorsWithoutTargets(fleet: readonly FleetApplication[], { root }: ProofContext): string[] {
  const found: string[] = [];
  for (const entry of renderedOnly(fleet)) {
    if (entry.chart?.isUpstream === true) continue;
    const ofCluster = fleet.filter(({ cluster }) => cluster.name === entry.cluster.name);
    const unknown = ofCluster.filter(({ rendered }) => !rendered.ok);
    const problems = monitorProblems(placed(entry).filter(isMonitor), {
      objects: renderedOnly(ofCluster).flatMap(placed),
      unknownNamespaces: [
        ...unknown.map(({ application }) => application.spec.destination.namespace ?? 'default'),
        // A controller that this cluster does not run has nothing to scrape.
        ...CONTROLLERS.filter((name) => !entry.cluster.controllers.includes(name)),
      ],
      // What an upstream chart brings is in its own namespace.
      isUnknownElsewhere: unknown.some((other) => missingChartOf(other) === undefined),
    });
    for (const problem of problems) found.push(objectProblem(root, entry, problem));
  }
  return found;
}

/** A Service or workload that a monitor selects. */
interface Target {
  readonly object: KubernetesObject;
  readonly ports: readonly (string | undefined)[];
  /** Which pods it leads to. */
  readonly pods: string;
}

/**
 * What is wrong with monitors.
 * @param objects all of the cluster, each with its namespace
 * @param unknownNamespaces those in which there may be more
 * @param isUnknownElsewhere whether there may be more in any of them
 */
export function monitorProblems(
  monitors: readonly KubernetesObject[],
  {
    objects,
    unknownNamespaces = [],
    isUnknownElsewhere = false,
  }: {
    readonly objects: readonly KubernetesObject[];
    readonly unknownNamespaces?: readonly string[];
    readonly isUnknownElsewhere?: boolean;
  },
): Problem[] {
  const problems: Problem[] = [];
  for (const monitor of monitors.filter(isMonitor)) {
    const note = (path: string, rule: string): void => {
      problems.push({ object: nameOf(monitor), path, rule });
    };
    const selected = targetsOf(monitor, objects);
    const { any = false, matchNames = [] } = monitor.spec?.namespaceSelector ?? {};
    const isUnknown = any ? isUnknownElsewhere : matchNames.some((name) => unknownNamespaces.includes(name));
    if (selected.length === 0 && !isUnknown) {
      const what = monitor.kind === 'PodMonitor' ? 'pods' : 'a Service';
      note('spec.selector', `must select ${what} of the cluster (it is ${JSON.stringify(monitor.spec?.selector)})`);
    }
    const seen = new Map<string, Target>();
    for (const target of selected) {
      const twin = seen.get(target.pods);
      if (twin !== undefined)
        note('spec.selector', `must select one of ${nameOf(twin.object)} and ${nameOf(target.object)}: same pods`);
      seen.set(target.pods, target);
      for (const problem of endpointProblems(monitor, target)) note(...problem);
    }
  }
  return problems;
}

function targetsOf(monitor: Monitor, objects: readonly KubernetesObject[]): Target[] {
  const { selector, namespaceSelector } = monitor.spec ?? {};
  const namespaces = namespaceSelector?.matchNames ?? [namespaceOf(monitor)];
  const isMeant = (object: KubernetesObject, labels: Readonly<Record<string, string>> | undefined): boolean =>
    selector !== undefined &&
    !isEmpty(selector) &&
    (namespaceSelector?.any === true || namespaces.includes(namespaceOf(object))) &&
    selects(selector, labels);
  if (monitor.kind === 'PodMonitor')
    return workloads(objects)
      .filter((workload) => isMeant(workload, podLabelsOf(workload)))
      .map((workload) => ({
        object: workload,
        ports: portsOf(workload).map(({ name }) => name),
        pods: `${namespaceOf(workload)}/${nameOf(workload)}`,
      }));
  const named = new Set((monitor.spec?.endpoints ?? []).map(({ port }) => port));
  const meant = services(objects).filter((service) => isMeant(service, service.metadata.labels));
  const targets = meant.map((service) => ({
    object: service,
    ports: (service.spec?.ports ?? []).map(({ name }) => name),
    pods: `${namespaceOf(service)} ${JSON.stringify(service.spec?.selector)}`,
  }));
  // Of several Services, such as those of Argo CD, the operator scrapes those that have the port.
  const withPort = targets.filter(({ ports }) => ports.some((port) => named.has(port)));
  return withPort.length > 0 ? withPort : targets;
}

/** A port of a workload that a monitor scrapes: its name, or its number. */
export interface ScrapedPort {
  readonly workload: KubernetesObject;
  readonly port: number | string;
}

/**
 * The ports of workloads that monitors scrape.
 * @param objects monitors and all that they select, each with its namespace
 */
export function scrapedPorts(objects: readonly KubernetesObject[]): ScrapedPort[] {
  return objects.filter(isMonitor).flatMap((monitor) => {
    const { endpoints = [], podMetricsEndpoints = [] } = monitor.spec ?? {};
    const names = [...endpoints, ...podMetricsEndpoints].flatMap(({ port = [] }) => port);
    return targetsOf(monitor, objects).flatMap(({ object }) =>
      names.flatMap((name) => portsBehind(object, name, objects)),
    );
  });
}

/** The ports of pods behind the port of a target: of a workload its own, of a Service those that it leads to. */
function portsBehind(target: KubernetesObject, name: string, objects: readonly KubernetesObject[]): ScrapedPort[] {
  const [service] = services([target]);
  if (service === undefined) return [{ workload: target, port: name }];
  const { selector = {}, ports = [] } = service.spec ?? {};
  const meant = ports.find((port) => port.name === name);
  if (meant === undefined) return [];
  const port = meant.targetPort ?? meant.port;
  return workloads(objects)
    .filter((workload) => namespaceOf(workload) === namespaceOf(service))
    .filter((workload) => selects({ matchLabels: selector }, podLabelsOf(workload)))
    .map((workload) => ({ workload, port }));
}

/** The wrong ports and paths of a monitor, for one of its targets. */
function endpointProblems(monitor: Monitor, { object, ports }: Target): [path: string, rule: string][] {
  const found: [string, string][] = [];
  const list = monitor.kind === 'PodMonitor' ? 'podMetricsEndpoints' : 'endpoints';
  const isOurs = ports.includes(OUR_SERVICE.ports.admin);
  for (const [index, { port, path = '/metrics' }] of (monitor.spec?.[list] ?? []).entries()) {
    const endpoint = `spec.${list}[${index}]`;
    if (port === undefined || !ports.includes(port))
      found.push([`${endpoint}.port`, `must name a port of ${nameOf(object)}, ${ports.join(' or ')} (it is ${port})`]);
    if (isOurs && path !== OUR_SERVICE.metricsPath)
      found.push([`${endpoint}.path`, `must be ${OUR_SERVICE.metricsPath}, as the service has it (it is ${path})`]);
  }
  return found;
}
