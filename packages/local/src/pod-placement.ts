import { LOCAL_REGISTRY } from '@gitops/settings';
import type { Tools } from '@gitops/tools/tools';
import type { Instance } from './instance.ts';
import { kubectl } from './kubectl.ts';
import { list } from './kubernetes-api.ts';
import { type LocalNode, NODE_TYPE } from './nodes.ts';
import type { Pod } from './pods.ts';
import type { Ports } from './ports.ts';

/** The key of the taint that node-agent gives its node (packages/tools/go/node-agent/node.go). */
const PROCESS_TAINT = 'gitops.local/process';

/**
 * What sends the pods whose images all come from our registry to the nodes of this machine: policies of the API server,
 * since the chart is that of every other cluster. An init container of another registry makes no difference: the node
 * refuses the pod by name, where a simulated one would hide it.
 * @param nodes those of this machine; without any, the policies change nothing
 * @param serviceProxy the address of what stands in for Services (packages/front-door): a process of this machine reaches
 *   none by itself, and a Job may have to. Only Jobs: the address may be another after the next start.
 */
export function podPlacement(nodes: readonly LocalNode[], serviceProxy: string): object[] {
  const areOurs = `object.spec.containers.all(container, container.image.startsWith("${LOCAL_REGISTRY}/"))`;
  const ours = { name: 'our-images', expression: nodes.length === 0 ? 'false' : areOurs };
  const add = (path: string, value: string): string => `JSONPatch{op: "add", path: "${path}", value: ${value}}`;
  const unless = (field: string, patch: string): string => `(has(object.spec.${field}) ? [] : [${patch}])`;
  const toleration = `Object.spec.tolerations{key: "${PROCESS_TAINT}", operator: "Exists"}`;
  const placement = [
    unless('nodeSelector', add('/spec/nodeSelector', '{}')),
    `[${add(`/spec/nodeSelector/${NODE_TYPE.label}`, `"${NODE_TYPE.machine}"`)}]`,
    unless('tolerations', add('/spec/tolerations', '[]')),
    `[${add('/spec/tolerations/-', toleration)}]`,
  ].join(' + ');
  const variable = `Object.spec.containers.env{name: "HTTP_PROXY", value: "${serviceProxy}"}`;
  const container = `Object.spec.containers{name: container.name, env: [${variable}]}`;
  const containers = `object.spec.containers.map(container, ${container})`;
  const isOfJob =
    'has(object.metadata.ownerReferences) && object.metadata.ownerReferences.exists(owner, owner.kind == "Job")';
  return [
    ...podPolicy('pods-as-processes', [ours], {
      patchType: 'JSONPatch',
      jsonPatch: { expression: placement },
    }),
    ...podPolicy('services-by-proxy', [ours, { name: 'of-a-job', expression: isOfJob }], {
      patchType: 'ApplyConfiguration',
      applyConfiguration: { expression: `Object{spec: Object.spec{containers: ${containers}}}` },
    }),
  ];
}

/** A policy that changes new pods, and its binding. */
function podPolicy(name: string, matchConditions: readonly object[], mutation: object): object[] {
  const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] };
  return [
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingAdmissionPolicy',
      metadata: { name },
      spec: {
        matchConstraints: { resourceRules: [rule] },
        matchConditions,
        failurePolicy: 'Fail',
        reinvocationPolicy: 'Never',
        mutations: [mutation],
      },
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingAdmissionPolicyBinding',
      metadata: { name },
      spec: { policyName: name },
    },
  ];
}

/** The pods that run on a simulated node although the nodes of this machine are for them. */
export function misplacedPods(pods: readonly Pod[], nodes: readonly LocalNode[]): Pod[] {
  const names = nodes.map(({ name }) => name);
  if (names.length === 0) return [];
  return pods.filter(
    ({ spec }) =>
      spec.nodeName !== undefined &&
      !names.includes(spec.nodeName) &&
      spec.containers.every(({ image }) => image.startsWith(`${LOCAL_REGISTRY}/`)),
  );
}

/** Ends misplaced pods, which are left where the settings had no nodes of this machine: their successors go there. */
export async function movePods(
  instance: Instance,
  tools: Tools,
  ports: Ports,
  nodes: readonly LocalNode[],
): Promise<void> {
  const pods = (await list<Pod>(instance, ports['kube-apiserver'], '/api/v1/pods')) ?? [];
  for (const { metadata } of misplacedPods(pods, nodes))
    await kubectl(instance, tools, ['--namespace', metadata.namespace, 'delete', 'pod', metadata.name, '--wait=false']);
}
