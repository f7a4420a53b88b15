import { type KubernetesObject, nameOf } from '../../kubernetes/object.ts';
import { isEmpty, type LabelSelector, selects } from '../../kubernetes/selector.ts';
import {
  type Autoscaler,
  autoscalers,
  disruptionBudgets,
  podLabelsOf,
  podSpecOf,
  portsOf,
  type Service,
  services,
  type Workload,
  workloads,
} from '../../kubernetes/workload.ts';
import type { Problem } from '../problem.ts';
import { chosenWorkloads, problem, type Rule, seen, workloadsBehind } from './rule.ts';

const targetPorts: Rule = {
  name: 'target-ports',
  intent: 'A Service that leads to a port without a listener answers with connection refused.',
  check: (objects) => {
    const problems: Problem[] = [];
    for (const service of services(objects))
      for (const workload of workloadsBehind(service, objects)) problems.push(...targetPortProblems(service, workload));
    return problems;
  },
};

function targetPortProblems(service: Service, workload: Workload): Problem[] {
  const declared = portsOf(workload);
  const problems: Problem[] = [];
  for (const { name, port, targetPort = port } of service.spec?.ports ?? []) {
    if (declared.some((other) => other.name === targetPort || other.containerPort === targetPort)) continue;
    const rule = `must be a container port of ${nameOf(workload)} ${seen(targetPort)}`;
    problems.push(problem(service, `spec.ports[${name ?? port}].targetPort`, rule));
  }
  return problems;
}

const selectors: Rule = {
  name: 'selectors',
  intent:
    'Kubernetes accepts a selector that matches nothing: a Service without endpoints, a budget or policy without pods.',
  check: (objects) => {
    const problems: Problem[] = [];
    const checkSelector = (object: KubernetesObject, path: string, selector: LabelSelector | undefined): void => {
      if (chosenWorkloads(object, selector, objects).length === 0)
        problems.push(problem(object, path, `must match the pod labels of a workload ${seen(selector)}`));
    };
    for (const service of services(objects))
      checkSelector(service, 'spec.selector', { matchLabels: service.spec?.selector ?? {} });
    for (const budget of disruptionBudgets(objects)) checkSelector(budget, 'spec.selector', budget.spec?.selector);
    for (const policy of objects.filter(isNetworkPolicy)) {
      // An empty one means every pod of the namespace, as in a policy that denies by default.
      if (!isEmpty(policy.spec?.podSelector ?? {})) checkSelector(policy, 'spec.podSelector', policy.spec?.podSelector);
    }
    for (const autoscaler of autoscalers(objects)) problems.push(...targetProblems(autoscaler, objects));
    for (const workload of workloads(objects)) problems.push(...ownSelectorProblems(workload));
    return problems;
  },
};

const isNetworkPolicy = (
  object: KubernetesObject,
): object is KubernetesObject & { spec?: { podSelector?: LabelSelector } } => object.kind === 'NetworkPolicy';

function targetProblems(autoscaler: Autoscaler, objects: readonly KubernetesObject[]): Problem[] {
  const { apiVersion, kind, name } = autoscaler.spec?.scaleTargetRef ?? {};
  const isRendered = objects.some(
    (object) => object.apiVersion === apiVersion && object.kind === kind && object.metadata.name === name,
  );
  if (isRendered) return [];
  const rule = `must be a workload that is rendered ${seen(autoscaler.spec?.scaleTargetRef)}`;
  return [problem(autoscaler, 'spec.scaleTargetRef', rule)];
}

/** A workload's own selector, and those of its spread constraints, which must match its own pods. */
function ownSelectorProblems(workload: Workload): Problem[] {
  const problems: Problem[] = [];
  const checkOwnPods = (path: string, selector: LabelSelector | undefined): void => {
    if (selector === undefined || isEmpty(selector) || !selects(selector, podLabelsOf(workload)))
      problems.push(problem(workload, path, `must match the labels of its own pods ${seen(selector)}`));
  };
  checkOwnPods('spec.selector', workload.spec?.selector);
  for (const { topologyKey, labelSelector } of podSpecOf(workload).topologySpreadConstraints ?? [])
    checkOwnPods(`spec.template.spec.topologySpreadConstraints[${topologyKey}].labelSelector`, labelSelector);
  return problems;
}

export const selectorRules: Rule[] = [targetPorts, selectors];
