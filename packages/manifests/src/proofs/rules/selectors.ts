import { groupOf, type KubernetesObject, nameOf } from '../../kubernetes/object.ts';
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
import { OUR_SERVICE } from '../our-service.ts';
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

interface ServiceMonitor extends KubernetesObject {
  readonly spec?: {
    readonly selector?: LabelSelector;
    readonly endpoints?: readonly { readonly port?: string; readonly path?: string }[];
  };
}

const isServiceMonitor = (object: KubernetesObject): object is ServiceMonitor =>
  object.kind === 'ServiceMonitor' && groupOf(object) === 'monitoring.coreos.com';

const serviceMonitors: Rule = {
  name: 'service-monitors',
  intent: 'A ServiceMonitor that selects nothing, or names a missing port, scrapes nothing and reports no error.',
  check: (objects) => objects.filter(isServiceMonitor).flatMap((monitor) => monitorProblems(monitor, objects)),
};

function monitorProblems(monitor: ServiceMonitor, objects: readonly KubernetesObject[]): Problem[] {
  const { selector, endpoints = [] } = monitor.spec ?? {};
  const selected = services(objects).filter(
    ({ metadata }) =>
      selector !== undefined &&
      !isEmpty(selector) &&
      metadata.namespace === monitor.metadata.namespace &&
      selects(selector, metadata.labels),
  );
  const [service] = selected;
  if (service === undefined || selected.length > 1) {
    const found = selected.map(({ metadata }) => metadata.name);
    return [problem(monitor, 'spec.selector', `must select one Service ${seen(found)}`)];
  }
  const problems: Problem[] = [];
  const names = (service.spec?.ports ?? []).map(({ name }) => name);
  const { metricsPath } = OUR_SERVICE;
  for (const [index, { port, path = metricsPath }] of endpoints.entries()) {
    const endpoint = `spec.endpoints[${index}]`;
    if (port === undefined || !names.includes(port)) {
      const rule = `must name a port of Service/${service.metadata.name}, ${names.join(' or ')} ${seen(port)}`;
      problems.push(problem(monitor, `${endpoint}.port`, rule));
    }
    if (path !== metricsPath)
      problems.push(
        problem(monitor, `${endpoint}.path`, `must be ${metricsPath}, as the service has it ${seen(path)}`),
      );
  }
  return problems;
}

export const selectorRules: Rule[] = [targetPorts, selectors, serviceMonitors];
