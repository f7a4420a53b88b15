import type { KubernetesObject } from '../../kubernetes/object.ts';
import type { Labels, LabelSelector } from '../../kubernetes/selector.ts';
import { disruptionBudgets, podLabelsOf, podSpecOf, services, workloads } from '../../kubernetes/workload.ts';
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
  check: (objects) => [
    ...objects.flatMap((object) =>
      REQUIRED.filter((label) => object.metadata.labels?.[label] === undefined).map((label) =>
        problem(object, `metadata.labels[${label}]`, 'must be there'),
      ),
    ),
    ...workloads(objects).flatMap((workload) =>
      REQUIRED.filter((label) => podLabelsOf(workload)[label] === undefined).map((label) =>
        problem(workload, `spec.template.metadata.labels[${label}]`, 'must be there'),
      ),
    ),
  ],
};

const names: Rule = {
  name: 'names-and-label-values',
  intent: 'The API server refuses a label with a plus sign or more than 63 characters in the middle of a sync.',
  check: (objects) =>
    objects.flatMap((object) => {
      const values = (path: string, all: Labels = {}): ReturnType<Rule['check']> =>
        Object.entries(all)
          .filter(([, value]) => typeof value !== 'string' || !LABEL_VALUE.test(value))
          .map(([label, value]) =>
            problem(
              object,
              `${path}[${label}]`,
              `must be a label's value: up to 63 letters, digits, dots, dashes and underscores ${seen(value)}`,
            ),
          );
      const { name } = object.metadata;
      return [
        // A CustomResourceDefinition is named by its group.
        ...(name.length <= LONGEST_NAME || object.kind === 'CustomResourceDefinition'
          ? []
          : [problem(object, 'metadata.name', `must have at most ${LONGEST_NAME} characters ${seen(name)}`)]),
        ...values('metadata.labels', object.metadata.labels),
        ...workloads([object]).flatMap((workload) => values('spec.template.metadata.labels', podLabelsOf(workload))),
      ];
    }),
};

const annotations: Rule = {
  name: 'annotations-are-text',
  intent: 'A number or boolean among the annotations is refused by the API server, and the whole object with it.',
  check: (objects) =>
    objects.flatMap((object) =>
      Object.entries<unknown>(object.metadata.annotations ?? {})
        .filter(([, value]) => typeof value !== 'string')
        .map(([name, value]) => problem(object, `metadata.annotations[${name}]`, `must be text ${seen(value)}`)),
    ),
};

const stableSelectors: Rule = {
  name: 'no-version-in-selectors',
  intent:
    'A version in a selector makes the next upgrade fail, since it cannot be changed; in a pod template it restarts pods for nothing.',
  check: (objects) => {
    const versioned = (object: KubernetesObject, path: string, all: Labels = {}): ReturnType<Rule['check']> =>
      VERSIONED.filter((label) => all[label] !== undefined).map((label) =>
        problem(object, `${path}[${label}]`, 'must not be there'),
      );
    const inSelector = (
      object: KubernetesObject,
      path: string,
      selector: LabelSelector = {},
    ): ReturnType<Rule['check']> => [
      ...versioned(object, `${path}.matchLabels`, selector.matchLabels),
      ...versioned(
        object,
        `${path}.matchExpressions`,
        Object.fromEntries((selector.matchExpressions ?? []).map(({ key }) => [key, ''])),
      ),
    ];
    return [
      ...services(objects).flatMap((service) => versioned(service, 'spec.selector', service.spec?.selector)),
      ...disruptionBudgets(objects).flatMap((budget) => inSelector(budget, 'spec.selector', budget.spec?.selector)),
      ...objects
        .filter(({ kind }) => kind === 'NetworkPolicy')
        .flatMap((policy) =>
          inSelector(
            policy,
            'spec.podSelector',
            (policy.spec as { podSelector?: LabelSelector } | undefined)?.podSelector,
          ),
        ),
      ...workloads(objects).flatMap((workload) => [
        ...inSelector(workload, 'spec.selector', workload.spec?.selector),
        ...versioned(workload, 'spec.template.metadata.labels', podLabelsOf(workload)),
        ...versioned(workload, 'spec.template.metadata.annotations', workload.spec?.template?.metadata?.annotations),
        ...(podSpecOf(workload).topologySpreadConstraints ?? []).flatMap(({ topologyKey, labelSelector }) =>
          inSelector(
            workload,
            `spec.template.spec.topologySpreadConstraints[${topologyKey}].labelSelector`,
            labelSelector,
          ),
        ),
      ]),
    ];
  },
};

export const metadataRules: Rule[] = [labels, names, annotations, stableSelectors];
