import type { KubernetesObject } from '../../kubernetes/object.ts';
import type { Labels, LabelSelector } from '../../kubernetes/selector.ts';
import {
  disruptionBudgets,
  podLabelsOf,
  podOwners,
  podSpecOf,
  services,
  type Workload,
  workloads,
} from '../../kubernetes/workload.ts';
import type { Problem } from '../problem.ts';
import { problem, type Rule, seen } from './rule.ts';

const REQUIRED = ['app.kubernetes.io/name', 'app.kubernetes.io/instance'];
const VERSIONED = ['app.kubernetes.io/version', 'helm.sh/chart', 'version', 'chart'];

// Kubernetes, "Labels and Selectors": up to 63 characters, letters and digits at both ends.
const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;
// A name becomes a label, a host name or part of another name in many places, and all of these end at 63.
const LONGEST_NAME = 63;

const labels: Rule = {
  name: 'labels',
  intent: 'Dashboards, policies and people find what belongs to an application by these labels.',
  check: (objects) => {
    const problems: Problem[] = [];
    for (const label of REQUIRED) {
      for (const object of objects)
        if (object.metadata.labels?.[label] === undefined)
          problems.push(problem(object, `metadata.labels[${label}]`, 'missing'));
      for (const workload of podOwners(objects))
        if (podLabelsOf(workload)[label] === undefined)
          problems.push(problem(workload, `spec.template.metadata.labels[${label}]`, 'missing'));
    }
    return problems;
  },
};

const names: Rule = {
  name: 'names-and-label-values',
  intent: 'The API server refuses a label with a plus sign or more than 63 characters in the middle of a sync.',
  check: (objects) => {
    const problems: Problem[] = [];
    for (const object of objects) {
      const { name } = object.metadata;
      // A CustomResourceDefinition is named by its group.
      if (name.length > LONGEST_NAME && object.kind !== 'CustomResourceDefinition')
        problems.push(problem(object, 'metadata.name', `must have at most ${LONGEST_NAME} characters ${seen(name)}`));
      problems.push(...labelValues(object, 'metadata.labels', object.metadata.labels));
    }
    for (const workload of podOwners(objects))
      problems.push(...labelValues(workload, 'spec.template.metadata.labels', podLabelsOf(workload)));
    return problems;
  },
};

/** Labels whose value the API server refuses. */
const labelValues = (object: KubernetesObject, path: string, all: Labels = {}): Problem[] =>
  Object.entries(all)
    .filter(([, value]) => typeof value !== 'string' || !LABEL_VALUE.test(value))
    .map(([label, value]) => {
      const rule = 'must be a label value: up to 63 letters, digits, dots, dashes and underscores';
      return problem(object, `${path}[${label}]`, `${rule} ${seen(value)}`);
    });

const annotations: Rule = {
  name: 'annotations-are-text',
  intent: 'A number or boolean among the annotations is refused by the API server, and the whole object with it.',
  check: (objects) => {
    const problems: Problem[] = [];
    for (const object of objects)
      for (const [name, value] of Object.entries<unknown>(object.metadata.annotations ?? {}))
        if (typeof value !== 'string')
          problems.push(problem(object, `metadata.annotations[${name}]`, `must be a string ${seen(value)}`));
    return problems;
  },
};

const stableSelectors: Rule = {
  name: 'no-version-in-selectors',
  intent: 'A selector cannot change: a version in it makes the next upgrade fail; in a pod template it restarts pods.',
  check: (objects) => {
    const problems: Problem[] = [];
    for (const service of services(objects))
      problems.push(...versions(service, 'spec.selector', service.spec?.selector));
    for (const budget of disruptionBudgets(objects))
      problems.push(...versionsInSelector(budget, 'spec.selector', budget.spec?.selector));
    for (const policy of objects.filter(({ kind }) => kind === 'NetworkPolicy')) {
      const { podSelector } = (policy.spec ?? {}) as { readonly podSelector?: LabelSelector };
      problems.push(...versionsInSelector(policy, 'spec.podSelector', podSelector));
    }
    for (const workload of workloads(objects)) problems.push(...versionsInWorkload(workload));
    return problems;
  },
};

function versionsInWorkload(workload: Workload): Problem[] {
  const template = 'spec.template.metadata';
  const problems = [
    ...versionsInSelector(workload, 'spec.selector', workload.spec?.selector),
    ...versions(workload, `${template}.labels`, podLabelsOf(workload)),
    ...versions(workload, `${template}.annotations`, workload.spec?.template?.metadata?.annotations),
  ];
  for (const { topologyKey, labelSelector } of podSpecOf(workload).topologySpreadConstraints ?? []) {
    const path = `spec.template.spec.topologySpreadConstraints[${topologyKey}].labelSelector`;
    problems.push(...versionsInSelector(workload, path, labelSelector));
  }
  return problems;
}

/** Labels or annotations that change with the version. */
const versions = (object: KubernetesObject, path: string, all: Labels = {}): Problem[] =>
  VERSIONED.filter((label) => all[label] !== undefined).map((label) =>
    problem(object, `${path}[${label}]`, 'must be absent: it changes with the version'),
  );

function versionsInSelector(object: KubernetesObject, path: string, selector: LabelSelector = {}): Problem[] {
  const expressions = (selector.matchExpressions ?? []).map(({ key }) => [key, ''] as const);
  return [
    ...versions(object, `${path}.matchLabels`, selector.matchLabels),
    ...versions(object, `${path}.matchExpressions`, Object.fromEntries(expressions)),
  ];
}

export const metadataRules: Rule[] = [labels, names, annotations, stableSelectors];
