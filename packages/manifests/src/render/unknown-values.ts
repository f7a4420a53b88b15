import type { Layer } from './values.ts';

type Keys = readonly string[];

/** A value that a chart does not know. */
export interface UnknownValue {
  readonly keys: Keys;
  readonly rule: string;
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

// What is below these goes into the objects as it is, where the strict schemas check it.
const OF_KUBERNETES = new Set(['resources', 'securityContext', 'podSecurityContext']);

// Maps whose keys are what Argo CD or Grafana reads from a ConfigMap: the chart lists some of them.
const OPEN: Keys = [
  'argo-cd configs.cm',
  'argo-cd configs.params',
  'argo-cd configs.rbac',
  'kube-prometheus-stack grafana.grafana.ini',
];

// Values that templates read although the chart's values.yaml has them only in a comment. A test shows that each has an
// effect.
const UNLISTED: Keys = [
  'external-secrets podDisruptionBudget.maxUnavailable',
  'karpenter strategy.rollingUpdate.maxSurge',
  'kube-prometheus-stack alertmanager.alertmanagerSpec.configSecret',
  'kube-prometheus-stack alertmanager.podDisruptionBudget.maxUnavailable',
  'kube-prometheus-stack grafana.fullnameOverride',
  'kube-prometheus-stack grafana.persistence.storageClassName',
  'kube-prometheus-stack prometheus.podDisruptionBudget.maxUnavailable',
];

/**
 * Values that a chart does not know, for charts whose schema does not refuse them, or that have none: Helm accepts a
 * misspelt one without a warning. What a chart knows is what its own values.yaml has; below an empty map, a list or
 * nothing, it accepts anything.
 * @param chart its name
 * @param layers of an Application, the chart's defaults first
 */
export function unknownValues(chart: string, [defaults, ...layers]: readonly Layer[]): UnknownValue[] {
  // The defaults are the first of all layers of an Application with a chart; without any, nothing is unknown.
  return layers.flatMap(({ values }) => unknownBelow(chart, defaults?.values, values, []));
}

function unknownBelow(chart: string, known: unknown, value: unknown, keys: Keys): UnknownValue[] {
  if (!isMap(known) || Object.keys(known).length === 0 || value === null) return [];
  if (OF_KUBERNETES.has(keys.at(-1) ?? '') || OPEN.includes(`${chart} ${keys.join('.')}`)) return [];
  if (!isMap(value)) return [{ keys, rule: `must be a map with any of ${Object.keys(known).join(', ')}` }];
  const found: UnknownValue[] = [];
  for (const [key, inner] of Object.entries(value)) {
    const path = [...keys, key];
    if (key in known) found.push(...unknownBelow(chart, known[key], inner, path));
    else if (!UNLISTED.includes(`${chart} ${path.join('.')}`)) found.push({ keys: path, rule: 'unknown value' });
  }
  return found;
}
