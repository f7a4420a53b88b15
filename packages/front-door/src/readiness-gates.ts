import type { Condition, Pod } from './kubernetes.ts';
import type { TargetGroupSpec } from './model.ts';
import type { Target } from './target.ts';
import type { TargetGroup } from './target-group.ts';

// Pod readiness gates as the AWS Load Balancer Controller has them: a pod is ready once its target is healthy, so a rollout
// waits for the load balancer. (https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/pod_readiness_gate/)

/** An object as it is written. */
export interface PolicyObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: object;
}

const PREFIX = 'target-health.elbv2.k8s.aws/';

/** The label of a namespace whose pods get gates. */
const NAMESPACE_LABEL = 'elbv2.k8s.aws/pod-readiness-gate-inject';

/** Marks the policies that the front door made. */
export const MANAGED_BY = { 'app.kubernetes.io/managed-by': 'front-door' };

export const gateOf = (targetGroup: string): string => PREFIX + targetGroup;

/**
 * What stands for the controller's webhook: an admission policy that adds the gate of one target group to the new pods of
 * its Service, in namespaces with the label. Pods from before the Ingress have no gate, as with the webhook. It lives in
 * the API server, so new pods get their gate also while the front door is down, and then wait for it.
 */
export function admissionPolicy({ name, namespace, selector }: TargetGroupSpec): PolicyObject[] {
  const metadata = { name: `readiness-gate-${name}`, labels: MANAGED_BY };
  const gate = `{"conditionType": ${JSON.stringify(gateOf(name))}}`;
  const policy = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicy',
    metadata,
    spec: {
      // As the controller's webhook.
      failurePolicy: 'Ignore',
      reinvocationPolicy: 'Never',
      matchConstraints: {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace, [NAMESPACE_LABEL]: 'enabled' } },
        objectSelector: { matchLabels: { ...selector } },
        resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
      },
      mutations: [
        {
          patchType: 'JSONPatch',
          jsonPatch: {
            expression:
              'has(object.spec.readinessGates)' +
              ` ? [JSONPatch{op: "add", path: "/spec/readinessGates/-", value: ${gate}}]` +
              ` : [JSONPatch{op: "add", path: "/spec/readinessGates", value: [${gate}]}]`,
          },
        },
      ],
    },
  };
  const binding = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicyBinding',
    metadata,
    spec: { policyName: metadata.name },
  };
  return [policy, binding];
}

const conditionFor = (gate: string, target: Target): Condition => ({
  type: gate,
  status: target.state === 'healthy' ? 'True' : 'False',
  reason: target.reason ?? '',
  message: target.description ?? '',
});

const isSame = (a: Condition | undefined, b: Condition): boolean =>
  a?.status === b.status && (a.reason ?? '') === b.reason && (a.message ?? '') === b.message;

/** Undefined for a pod that is not registered: its gate stays as it is. */
function wantedCondition(gate: string, { metadata }: Pod, group: TargetGroup | undefined): Condition | undefined {
  const open = (message: string): Condition => ({ type: gate, status: 'True', reason: '', message });
  // As the controller opens it.
  if (group === undefined) return open('Target Group Binding is deleted');
  const uid = metadata?.uid ?? '';
  if (group.spec.endpoints.simulated.some((endpoint) => endpoint.uid === uid)) return open('the pod is simulated');
  const target = group.targetOf(uid);
  return target === undefined ? undefined : conditionFor(gate, target);
}

/** The conditions that a pod's gates should have and do not. */
export function missingConditions(pod: Pod, groups: ReadonlyMap<string, TargetGroup>): Condition[] {
  const { spec, status } = pod;
  const missing: Condition[] = [];
  for (const { conditionType: gate } of spec?.readinessGates ?? []) {
    if (!gate.startsWith(PREFIX)) continue;
    const wanted = wantedCondition(gate, pod, groups.get(gate.slice(PREFIX.length)));
    if (wanted === undefined) continue;
    const present = status?.conditions?.find(({ type }) => type === gate);
    if (isSame(present, wanted)) continue;
    const changed = present?.status === wanted.status ? present.lastTransitionTime : new Date();
    missing.push({ ...wanted, ...(changed === undefined ? {} : { lastTransitionTime: changed }) });
  }
  return missing;
}
