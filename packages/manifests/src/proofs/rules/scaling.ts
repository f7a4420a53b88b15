import { milliCpus, quantity } from '../../kubernetes/quantity.ts';
import { autoscalerOf, autoscalers, containersOf, disruptionBudgets, workloads } from '../../kubernetes/workload.ts';
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

const range: Rule = {
  name: 'autoscaler-range',
  intent: 'An autoscaler that cannot move scales nothing, and a single pod may not be drained without an outage.',
  check: (objects) =>
    autoscalers(objects).flatMap((autoscaler) => {
      const { minReplicas = 1, maxReplicas = 0 } = autoscaler.spec ?? {};
      return [
        ...(minReplicas >= 2
          ? []
          : [problem(autoscaler, 'spec.minReplicas', `must be at least 2 ${seen(minReplicas)}`)]),
        ...(minReplicas < maxReplicas
          ? []
          : [
              problem(
                autoscaler,
                'spec.maxReplicas',
                `must be more than minReplicas ${minReplicas} ${seen(maxReplicas)}`,
              ),
            ]),
      ];
    }),
};

const metrics: Rule = {
  name: 'autoscaler-metrics',
  intent:
    'A share of a request that nobody made, or of a container that is not there, is no number: the autoscaler stops.',
  check: (objects) =>
    autoscalers(objects).flatMap((autoscaler) => {
      const { metrics: listed = [], scaleTargetRef } = autoscaler.spec ?? {};
      const target = workloads(objects).find(
        ({ kind, metadata }) => kind === scaleTargetRef?.kind && metadata.name === scaleTargetRef.name,
      );
      const none = listed.length > 0 ? [] : [problem(autoscaler, 'spec.metrics', 'must name what to scale by')];
      return [
        ...none,
        ...listed.flatMap(({ type, containerResource }, index): Problem[] => {
          const path = `spec.metrics[${index}]`;
          // The mean over a whole pod is blurred by its sidecars.
          if (type === 'Resource')
            return [problem(autoscaler, `${path}.type`, `must be ContainerResource ${seen(type)}`)];
          if (type !== 'ContainerResource') return [];
          const { name, container: containerName, target: { type: targetType } = {} } = containerResource ?? {};
          const container =
            target === undefined
              ? undefined
              : containersOf(target).find((candidate) => candidate.name === containerName);
          if (container === undefined)
            return [
              problem(
                autoscaler,
                `${path}.containerResource.container`,
                `must be a container of ${String(scaleTargetRef?.kind)}/${String(scaleTargetRef?.name)} ${seen(containerName)}`,
              ),
            ];
          const request = name === undefined ? undefined : container.resources?.requests?.[name];
          if (targetType !== 'Utilization' || milliCpus(request) > 0) return [];
          return [
            problem(
              autoscaler,
              `${path}.containerResource.name`,
              `must be a resource that container ${container.name} requests ${seen(name)}`,
            ),
          ];
        }),
      ];
    }),
};

const budgets: Rule = {
  name: 'disruption-budget',
  intent:
    'A budget that allows no pod to go, or that waits for a pod which never gets ready, blocks the drain of its node for ever.',
  check: (objects) =>
    disruptionBudgets(objects).flatMap((budget) => {
      const { selector, maxUnavailable, minAvailable, unhealthyPodEvictionPolicy } = budget.spec ?? {};
      const allowed =
        quantity(typeof maxUnavailable === 'string' ? maxUnavailable.replace('%', '') : maxUnavailable) ?? 0;
      const single = chosenWorkloads(budget, selector, objects).filter(
        (workload) => (autoscalerOf(workload, objects)?.spec?.minReplicas ?? workload.spec?.replicas ?? 1) <= 1,
      );
      return [
        ...(minAvailable === undefined
          ? []
          : [
              problem(
                budget,
                'spec.minAvailable',
                `must be absent: say maxUnavailable, which holds for any number of pods ${seen(minAvailable)}`,
              ),
            ]),
        ...(allowed >= 1 ? [] : [problem(budget, 'spec.maxUnavailable', `must be at least 1 ${seen(maxUnavailable)}`)]),
        ...(unhealthyPodEvictionPolicy === 'AlwaysAllow'
          ? []
          : [
              problem(
                budget,
                'spec.unhealthyPodEvictionPolicy',
                `must be AlwaysAllow ${seen(unhealthyPodEvictionPolicy)}`,
              ),
            ]),
        ...single.map((workload) =>
          problem(
            budget,
            'spec.selector',
            `must not guard ${workload.kind}/${workload.metadata.name}, which may have a single pod`,
          ),
        ),
      ];
    }),
};

export const scalingRules: Rule[] = [oneOwner, range, metrics, budgets];
