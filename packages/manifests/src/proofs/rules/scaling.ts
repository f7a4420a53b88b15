import { type KubernetesObject, nameOf } from '../../kubernetes/object.ts';
import { milliCpus, quantity } from '../../kubernetes/quantity.ts';
import {
  type Autoscaler,
  autoscalerOf,
  autoscalers,
  containersOf,
  type DisruptionBudget,
  disruptionBudgets,
  keepsReplicas,
  workloads,
} from '../../kubernetes/workload.ts';
import type { Problem } from '../problem.ts';
import { chosenWorkloads, problem, type Rule, seen } from './rule.ts';

const oneOwner: Rule = {
  name: 'one-owner-of-replicas',
  intent: 'Where Git names a number of pods beside an autoscaler, each sync undoes what the autoscaler did.',
  check: (objects) =>
    workloads(objects)
      .filter((workload) => workload.spec?.replicas !== undefined && autoscalerOf(workload, objects) !== undefined)
      .map((workload) =>
        problem(
          workload,
          'spec.replicas',
          `must be absent beside a HorizontalPodAutoscaler ${seen(workload.spec?.replicas)}`,
        ),
      ),
};

const handover: Rule = {
  name: 'autoscaled-annotation',
  intent: 'Without the annotation, switching the autoscaler on leaves one pod until its first pass.',
  check: (objects) =>
    workloads(objects)
      .filter(({ kind }) => kind === 'Deployment')
      .filter((workload) => (autoscalerOf(workload, objects) !== undefined) !== keepsReplicas(workload))
      .map((workload) =>
        problem(
          workload,
          'metadata.annotations[gitops-platform/autoscaled]',
          keepsReplicas(workload)
            ? 'must be absent without a HorizontalPodAutoscaler: Git could not change the number of pods'
            : 'must be set on a Deployment with a HorizontalPodAutoscaler',
        ),
      ),
};

const range: Rule = {
  name: 'autoscaler-range',
  intent: 'An autoscaler that cannot move scales nothing, and a single pod cannot be drained without an outage.',
  check: (objects) => {
    const problems: Problem[] = [];
    for (const autoscaler of autoscalers(objects)) {
      const { minReplicas = 1, maxReplicas = 0 } = autoscaler.spec ?? {};
      if (minReplicas < 2)
        problems.push(problem(autoscaler, 'spec.minReplicas', `must be at least 2 ${seen(minReplicas)}`));
      if (minReplicas >= maxReplicas) {
        const rule = `must be more than minReplicas ${minReplicas} ${seen(maxReplicas)}`;
        problems.push(problem(autoscaler, 'spec.maxReplicas', rule));
      }
    }
    return problems;
  },
};

const metrics: Rule = {
  name: 'autoscaler-metrics',
  intent: 'A share of a request that is missing, or of a missing container, is no number: the autoscaler stops.',
  check: (objects) => {
    const problems: Problem[] = [];
    for (const autoscaler of autoscalers(objects)) {
      const { metrics: listed = [] } = autoscaler.spec ?? {};
      if (listed.length === 0) problems.push(problem(autoscaler, 'spec.metrics', 'must name what to scale by'));
      for (const [index, metric] of listed.entries())
        problems.push(...metricProblems(autoscaler, `spec.metrics[${index}]`, metric, objects));
    }
    return problems;
  },
};

type Metric = NonNullable<NonNullable<Autoscaler['spec']>['metrics']>[number];

function metricProblems(
  autoscaler: Autoscaler,
  path: string,
  { type, containerResource }: Metric,
  objects: readonly KubernetesObject[],
): Problem[] {
  // The mean over a whole pod is blurred by its sidecars.
  if (type === 'Resource') return [problem(autoscaler, `${path}.type`, `must be ContainerResource ${seen(type)}`)];
  if (type !== 'ContainerResource') return [];
  const { kind, name: target } = autoscaler.spec?.scaleTargetRef ?? {};
  const { name, container: wanted, target: { type: targetType } = {} } = containerResource ?? {};
  const workload = workloads(objects).find((object) => object.kind === kind && object.metadata.name === target);
  const container = workload === undefined ? undefined : containersOf(workload).find((each) => each.name === wanted);
  if (container === undefined) {
    const rule = `must be a container of ${String(kind)}/${String(target)} ${seen(wanted)}`;
    return [problem(autoscaler, `${path}.containerResource.container`, rule)];
  }
  const request = name === undefined ? undefined : container.resources?.requests?.[name];
  if (targetType !== 'Utilization' || milliCpus(request) > 0) return [];
  const rule = `must be a resource that container ${container.name} requests ${seen(name)}`;
  return [problem(autoscaler, `${path}.containerResource.name`, rule)];
}

const budgets: Rule = {
  name: 'disruption-budget',
  intent: 'A budget that allows no eviction, or waits for a pod that never gets ready, blocks the drain of its node.',
  check: (objects) => disruptionBudgets(objects).flatMap((budget) => budgetProblems(budget, objects)),
};

function budgetProblems(budget: DisruptionBudget, objects: readonly KubernetesObject[]): Problem[] {
  const { selector, maxUnavailable, minAvailable, unhealthyPodEvictionPolicy: policy } = budget.spec ?? {};
  const problems: Problem[] = [];
  if (minAvailable !== undefined) {
    const rule = `must be absent: maxUnavailable holds for any number of pods ${seen(minAvailable)}`;
    problems.push(problem(budget, 'spec.minAvailable', rule));
  }
  const allowed = quantity(typeof maxUnavailable === 'string' ? maxUnavailable.replace('%', '') : maxUnavailable);
  if ((allowed ?? 0) < 1)
    problems.push(problem(budget, 'spec.maxUnavailable', `must be at least 1 ${seen(maxUnavailable)}`));
  if (policy !== 'AlwaysAllow')
    problems.push(problem(budget, 'spec.unhealthyPodEvictionPolicy', `must be AlwaysAllow ${seen(policy)}`));
  for (const workload of chosenWorkloads(budget, selector, objects)) {
    const least = autoscalerOf(workload, objects)?.spec?.minReplicas ?? workload.spec?.replicas ?? 1;
    const rule = `must not guard ${nameOf(workload)}, which may have a single pod`;
    if (least <= 1) problems.push(problem(budget, 'spec.selector', rule));
  }
  return problems;
}

export const scalingRules: Rule[] = [oneOwner, handover, range, metrics, budgets];
