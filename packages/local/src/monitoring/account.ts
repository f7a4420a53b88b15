import { writeFileSync } from 'node:fs';
import type { Tools } from '@gitops/tools/tools';
import { type Instance, statePath } from '../instance.ts';
import { apply, kubectl } from '../kubectl.ts';

/** Where Prometheus reads its token. */
export const tokenFile = (instance: Instance): string => statePath(instance, 'monitoring', 'token');

const NAMESPACE = 'monitoring';
const NAME = 'prometheus';

const OBJECTS = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
  {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: NAME, namespace: NAMESPACE },
    automountServiceAccountToken: false,
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'prometheus' },
    // Discovery, the kubelets' metrics and the API server's; no ConfigMap and no Secret.
    rules: [
      { apiGroups: [''], resources: ['services', 'pods'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] },
      { nonResourceURLs: ['/metrics'], verbs: ['get'] },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'prometheus' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'prometheus' },
    subjects: [{ kind: 'ServiceAccount', name: NAME, namespace: NAMESPACE }],
  },
];

/** Gives Prometheus an account of its own in the cluster, which may read and discover, and a token for a year. */
export async function ensureAccount(instance: Instance, tools: Tools): Promise<void> {
  await apply(instance, tools, OBJECTS);
  const token = await kubectl(instance, tools, ['-n', NAMESPACE, 'create', 'token', NAME, '--duration=8760h']);
  // Prometheus reads it again for each request.
  writeFileSync(tokenFile(instance), token.trim(), { mode: 0o600 });
}
