import { type Scrape, whole } from './exported.ts';

interface Relabeling {
  readonly action?: string;
  readonly sourceLabels?: readonly string[];
  readonly regex?: string;
  readonly targetLabel?: string;
}
interface Endpoint {
  readonly honorLabels?: boolean;
  readonly relabelings?: readonly Relabeling[];
  readonly metricRelabelings?: readonly Relabeling[];
}
export interface Monitor {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly endpoints?: readonly Endpoint[]; readonly podMetricsEndpoints?: readonly Endpoint[] };
}

// What Prometheus' operator adds to every target: its documentation, "ServiceMonitor" and "PodMonitor".
const ADDED: Readonly<Record<string, readonly string[]>> = {
  ServiceMonitor: ['job', 'instance', 'namespace', 'service', 'pod', 'container', 'endpoint'],
  PodMonitor: ['job', 'instance', 'namespace', 'pod', 'container', 'endpoint'],
};

/** How each monitor changes what it scrapes, by its name. */
export function scrapesOf(objects: readonly Monitor[]): Map<string, Scrape> {
  const scrapes = new Map<string, Scrape>();
  for (const { kind, metadata, spec } of objects) {
    const labels = ADDED[kind];
    const [endpoint] = spec?.endpoints ?? spec?.podMetricsEndpoints ?? [];
    if (labels === undefined || endpoint === undefined) continue;
    scrapes.set(metadata.name, {
      labels: relabelled(new Set(labels), endpoint.relabelings ?? []),
      honorsLabels: endpoint.honorLabels ?? false,
      dropped: droppedNames(endpoint.metricRelabelings ?? []),
    });
  }
  return scrapes;
}

function relabelled(labels: Set<string>, relabelings: readonly Relabeling[]): Set<string> {
  for (const { action = 'replace', targetLabel, regex = '' } of relabelings) {
    if (action === 'replace' && targetLabel !== undefined) labels.add(targetLabel);
    const gone = action === 'labeldrop' ? [...labels].filter((label) => whole(regex).test(label)) : [];
    for (const label of gone) labels.delete(label);
  }
  return labels;
}

/** Metrics that are dropped whatever their labels are. */
function droppedNames(relabelings: readonly Relabeling[]): RegExp[] {
  const names: RegExp[] = [];
  for (const { action, sourceLabels = [], regex = '.*' } of relabelings)
    if (action === 'drop' && sourceLabels.join() === '__name__') names.push(whole(regex));
  return names;
}
