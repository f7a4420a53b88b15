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
 * What sends the pods whose images all come from our registry to the nodes of this machine: a policy of the API server,
 * since the chart is that of every other cluster. An init container of another registry makes no difference: the node
 * refuses the pod by name, where a simulated one would hide it.
 * @param nodes those of this machine; without any, the policy changes nothing
 */
export function podPlacement(nodes: readonly LocalNode[]): object[] {
  const name = 'pods-as-processes';
  const areOurs = `object.spec.containers.all(container, container.image.startsWith("${LOCAL_REGISTRY}/"))`;
  const add = (path: string, value: string): string => `JSONPatch{op: "add", path: "${path}", value: ${value}}`;
  const unless = (field: string, patch: string): string => `(has(object.spec.${field}) ? [] : [${patch}])`;
  const toleration = `Object.spec.tolerations{key: "${PROCESS_TAINT}", operator: "Exists"}`;
  return [
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingAdmissionPolicy',
      metadata: { name },
      spec: {
        matchConstraints: {
          resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
        },
        matchConditions: [{ name: 'our-images', expression: nodes.length === 0 ? 'false' : areOurs }],
        failurePolicy: 'Fail',
        reinvocationPolicy: 'Never',
        mutations: [
          {
            patchType: 'JSONPatch',
            jsonPatch: {
              expression: [
                unless('nodeSelector', add('/spec/nodeSelector', '{}')),
                `[${add(`/spec/nodeSelector/${NODE_TYPE.label}`, `"${NODE_TYPE.machine}"`)}]`,
                unless('tolerations', add('/spec/tolerations', '[]')),
                `[${add('/spec/tolerations/-', toleration)}]`,
              ].join(' + '),
            },
          },
        ],
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
