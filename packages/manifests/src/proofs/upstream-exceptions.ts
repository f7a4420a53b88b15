/** A rule for workloads that does not hold for what upstream charts render. */
export interface Exception {
  /** The rule's name. */
  readonly rule: string;
  /** The only chart that it is meant for; all without it. */
  readonly chart?: string;
  readonly reason: string;
}

// All other rules hold for them as for ours; a test refuses an exception that nothing needs.
export const UPSTREAM_EXCEPTIONS: readonly Exception[] = [
  { rule: 'one-way-in', reason: 'the API server alone calls them' },
  { rule: 'probe-ports', reason: 'upstream knows how its programs start' },
  { rule: 'probe-times', reason: 'they are no Node.js services, whose event loop may stall' },
  { rule: 'pre-stop-sleep', reason: 'no load balancer leads to them' },
  { rule: 'grace-period', reason: 'no load balancer leads to them, and they know no DRAIN_SECONDS' },
  { rule: 'never-below-capacity', reason: 'of one or two pods a quarter, which is the default, is none' },
  { rule: 'image', reason: "the chart's version, which is pinned, has the tag; its digest is in no values file" },
  { rule: 'identity', reason: 'they live by the Kubernetes API and need its token' },
  { rule: 'labels', reason: 'their definitions come without' },
  ...['argo-cd', 'external-secrets', 'kube-prometheus-stack'].map((chart) => ({
    rule: 'no-version-in-selectors',
    chart,
    reason: 'upstream writes the version on its pods',
  })),
  ...['argo-cd', 'external-secrets'].map((chart) => ({
    rule: 'disruption-budget',
    chart,
    reason: 'its chart has no unhealthyPodEvictionPolicy',
  })),
  {
    rule: 'disruption-budget',
    chart: 'karpenter',
    reason:
      'its chart has neither unhealthyPodEvictionPolicy nor a switch; it allows one eviction, also of a single pod',
  },
  {
    rule: 'empty-dir-size',
    chart: 'argo-cd',
    reason: "its chart has no such values; the containers' limits of ephemeral storage bound them",
  },
  {
    rule: 'empty-dir-size',
    chart: 'kube-prometheus-stack',
    reason: "Grafana's search index has no such value; its container's limit of ephemeral storage bounds it",
  },
  {
    rule: 'liveness-is-not-readiness',
    chart: 'kube-prometheus-stack',
    reason: 'its programs have one path for both',
  },
];

/** The rules that an upstream chart is excused from. */
export const excusedFrom = (chart: string): string[] =>
  UPSTREAM_EXCEPTIONS.flatMap((exception) =>
    exception.chart === undefined || exception.chart === chart ? [exception.rule] : [],
  );
