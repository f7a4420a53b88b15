import type { Controller } from '@gitops/settings';
import { CONTROLLER_ACCOUNTS } from '@gitops/settings/accounts';
import { namespaceOf } from '../../kubernetes/namespace.ts';
import { groupKindOf, nameOf } from '../../kubernetes/object.ts';
import { type LabelSelector, selects } from '../../kubernetes/selector.ts';
import { ingresses, podSpecOf, workloads } from '../../kubernetes/workload.ts';
import type { ClusterModel, ModelObject } from '../cluster-model.ts';

/** What an object must have so that another one, which it needs, serves it. */
export interface Unmet {
  /** The object to change. */
  readonly at: ModelObject;
  readonly path: string;
  /** A text near the line to change, and the field that has it. */
  readonly line?: { readonly text: string; readonly field: string };
  /** What a problem names: the field of the object, or the key of the values that has that text. */
  readonly key: 'object' | 'values';
  readonly rule: string;
}

/** The terms of a cluster that are not met. */
export const unmetTerms = (model: ClusterModel): Unmet[] => [
  ...closedStores(model),
  ...missingGates(model),
  ...podsWithoutRole(model),
];

/** Pods of controllers that call AWS under another service account than the one that platform/ gives a role. */
function podsWithoutRole({ cluster, entries }: ClusterModel): Unmet[] {
  if (cluster.provider !== 'aws') return [];
  const found: Unmet[] = [];
  for (const { object, maker, origin } of entries) {
    const account = CONTROLLER_ACCOUNTS[maker.application.metadata.name as Controller];
    if (account === undefined || workloads([object]).length === 0) continue;
    const { serviceAccountName = 'default' } = podSpecOf(object);
    if (serviceAccountName === account.serviceAccount && namespaceOf(object) === account.namespace) continue;
    found.push({
      at: { object, maker, origin },
      path: 'spec.template.spec.serviceAccountName',
      line: { text: serviceAccountName, field: 'name' },
      key: 'values',
      rule: `must be ${account.serviceAccount} in namespace ${account.namespace}, the service account that has the role of AWS (it is ${serviceAccountName} in ${namespaceOf(object)})`,
    });
  }
  return found;
}

interface Condition {
  readonly namespaces?: readonly string[];
  readonly namespaceRegexes?: readonly string[];
  readonly namespaceSelector?: LabelSelector;
}

/** Stores of secrets that do not serve the namespace of an ExternalSecret. */
function closedStores({ entries }: ClusterModel): Unmet[] {
  const stores = new Map<string, ModelObject>();
  for (const entry of entries)
    if (groupKindOf(entry.object) === 'external-secrets.io/ClusterSecretStore')
      stores.set(entry.object.metadata.name, entry);
  const found: Unmet[] = [];
  for (const { object } of entries) {
    if (groupKindOf(object) !== 'external-secrets.io/ExternalSecret') continue;
    const { secretStoreRef = {} } = (object.spec ?? {}) as { secretStoreRef?: { kind?: string; name?: string } };
    const store = secretStoreRef.kind === 'ClusterSecretStore' ? stores.get(secretStoreRef.name ?? '') : undefined;
    const { conditions = [] } = (store?.object.spec ?? {}) as { conditions?: readonly Condition[] };
    const namespaces = conditions.flatMap((condition) => condition.namespaces ?? []);
    // Conditions of other kinds are not followed.
    if (store === undefined || namespaces.length === 0 || conditions.some((condition) => condition.namespaces === undefined)) continue; // prettier-ignore
    if (namespaces.includes(namespaceOf(object))) continue;
    found.push({
      at: store,
      path: 'spec.conditions',
      line: { text: store.object.metadata.name, field: 'metadata.name' },
      key: 'object',
      rule: `must serve the namespace ${namespaceOf(object)}, whose ${nameOf(object)} reads from it (it serves ${namespaces.join(', ')})`,
    });
  }
  return found;
}

const GATE = 'elbv2.k8s.aws/pod-readiness-gate-inject';

/**
 * Namespaces of pods behind a load balancer without the label by which its controller gives them a readiness gate: a
 * rollout would not wait until the load balancer has found them healthy.
 */
function missingGates({ entries, objects }: ClusterModel): Unmet[] {
  const found: Unmet[] = [];
  const named = new Set<string>();
  for (const ingress of ingresses(objects)) {
    const { annotations = {} } = ingress.metadata;
    const namespace = namespaceOf(ingress);
    if (annotations['alb.ingress.kubernetes.io/target-type'] !== 'ip' || named.has(namespace)) continue;
    named.add(namespace);
    const at = entries.find(({ object }) => object.kind === 'Namespace' && object.metadata.name === namespace);
    // One that nobody makes is reported as such.
    if (at === undefined || selects({ matchLabels: { [GATE]: 'enabled' } }, at.object.metadata.labels)) continue;
    const is = at.object.metadata.annotations?.[GATE] === undefined ? 'it has none' : 'it is an annotation';
    found.push({
      at,
      path: `metadata.labels[${GATE}]`,
      key: 'object',
      rule: `must be enabled: the load balancer of ${nameOf(ingress)} sends to its pods, whose rollout waits for this gate (${is})`,
    });
  }
  return found;
}
