import type { Layer } from './values.ts';

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

// What stands below these goes into the objects as it is, where the strict schemas look at it.
const OF_KUBERNETES = new Set(['resources', 'securityContext', 'podSecurityContext']);

// Maps whose keys are what Argo CD reads from a ConfigMap: the chart lists some of them.
const OPEN: readonly string[] = ['argo-cd configs.cm', 'argo-cd configs.params', 'argo-cd configs.rbac'];

// What templates read although their chart's values.yaml has it in a comment alone. That each does something is tested.
const UNLISTED: readonly string[] = ['external-secrets podDisruptionBudget.maxUnavailable'];

/**
 * Values that a chart does not know, for charts whose schema does not refuse them, or that have none: Helm takes a
 * misspelt one without a word. What a chart knows is what its own values.yaml has; below an empty map, a list or
 * nothing, it takes anything.
 * @param chart its name
 * @param layers of an Application, the chart's defaults first
 */
export function unknownValues(
  chart: string,
  [defaults, ...layers]: readonly Layer[],
): { readonly keys: readonly string[]; readonly rule: string }[] {
  const visit = (
    known: unknown,
    value: unknown,
    keys: readonly string[],
  ): { keys: readonly string[]; rule: string }[] => {
    if (
      !isMap(known) ||
      Object.keys(known).length === 0 ||
      value === null ||
      OF_KUBERNETES.has(keys.at(-1) ?? '') ||
      OPEN.includes(`${chart} ${keys.join('.')}`)
    )
      return [];
    if (!isMap(value)) return [{ keys, rule: `must be a map with any of ${Object.keys(known).join(', ')}` }];
    return Object.entries(value).flatMap(([key, inner]) => {
      const path = [...keys, key];
      if (key in known) return visit(known[key], inner, path);
      return UNLISTED.includes(`${chart} ${path.join('.')}`) ? [] : [{ keys: path, rule: 'is no value of this chart' }];
    });
  };
  // The defaults are the first of all layers of an Application with a chart; one without any is asked for nothing.
  return layers.flatMap(({ values }) => visit(defaults?.values, values, []));
}
