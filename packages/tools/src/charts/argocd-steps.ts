/** Which Argo CD some clusters run: a step of its upgrade. */
export interface ArgocdStep {
  /** The cluster; undefined for the last step, which is for all clusters without one of their own. */
  readonly cluster: string | undefined;
  /** The version of the chart. */
  readonly chart: string;
  /** The version of Argo CD, the tag of its image: v3.5.7. */
  readonly version: string;
}

/**
 * The steps of an upgrade of Argo CD in their order, as its ApplicationSet has them: one for each of its generators.
 * What is missing is an empty text.
 * @param applicationSet as YAML or Kubernetes has it
 */
export function argocdSteps(applicationSet: unknown): ArgocdStep[] {
  const generators = (applicationSet as { spec?: { generators?: unknown } } | null)?.spec?.generators;
  if (!Array.isArray(generators)) return [];
  return (generators as (Generator | null)[]).map((generator) => ({
    cluster: generator?.clusters?.selector?.matchLabels?.cluster,
    chart: generator?.clusters?.values?.chart ?? '',
    version: generator?.clusters?.values?.version ?? '',
  }));
}

interface Generator {
  readonly clusters?: {
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly values?: Readonly<Record<string, string>>;
  };
}
