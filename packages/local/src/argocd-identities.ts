import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { CommandError } from '@gitops/report/errors';
import { NAMESPACE } from './argocd-settings.ts';
import { type Instance, statePath } from './instance.ts';
import { pkiFile, post } from './kubernetes-api.ts';
import type { Ports } from './ports.ts';

// Each component of Argo CD talks to the cluster as its own ServiceAccount, with the rights that it has in every other
// cluster, so that RBAC and admission policies apply to it here as well.

interface Rights {
  readonly namespace: readonly object[];
  readonly cluster: readonly object[];
}

const RIGHTS = parse(readFileSync(resolve(import.meta.dirname, '../argocd/rights.yaml'), 'utf8')) as Record<
  string,
  Rights
>;

const RBAC = 'rbac.authorization.k8s.io';

/** A role with these rules, bound to the ServiceAccount of the same name. */
function boundRole(name: string, prefix: '' | 'Cluster', rules: readonly object[]): object[] {
  const metadata = prefix === '' ? { name, namespace: NAMESPACE } : { name };
  return [
    { apiVersion: `${RBAC}/v1`, kind: `${prefix}Role`, metadata, rules },
    {
      apiVersion: `${RBAC}/v1`,
      kind: `${prefix}RoleBinding`,
      metadata,
      roleRef: { apiGroup: RBAC, kind: `${prefix}Role`, name },
      subjects: [{ kind: 'ServiceAccount', name, namespace: NAMESPACE }],
    },
  ];
}

/** The ServiceAccounts of Argo CD's components with their rights, as objects to apply. */
export function argoIdentities(): object[] {
  return Object.entries(RIGHTS).flatMap(([name, { namespace, cluster }]) => [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: NAMESPACE } },
    ...(namespace.length === 0 ? [] : boundRole(name, '', namespace)),
    ...(cluster.length === 0 ? [] : boundRole(name, 'Cluster', cluster)),
  ]);
}

/** The kubeconfig of a component; `ensureKubeconfigs` writes it. */
export const componentKubeconfig = (instance: Instance, name: string): string =>
  statePath(instance, 'argocd', 'kubeconfig', name);

// A year: nothing renews a token while the machine runs, and each start makes new ones.
const SECONDS = 365 * 24 * 3600;

/** Writes a file in one step, readable by its owner alone. */
function writePrivately(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/**
 * Writes a kubeconfig for each component, with a new token of its ServiceAccount. The token is in a file of its own, which
 * running components read again every minute, so that none has to be restarted.
 * Throws CommandError when the API server does not issue one.
 */
export async function ensureKubeconfigs(instance: Instance, ports: Ports): Promise<void> {
  const port = ports['kube-apiserver'];
  const writeFor = async (name: string): Promise<void> => {
    const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/${name}/token`;
    const answer = await post(instance, port, path, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: SECONDS },
    });
    if (answer?.status !== 201)
      throw new CommandError(
        `the API server issues no token for ${name} (${answer === undefined ? 'no answer' : answer.status})`,
        'run `make up` again',
      );
    const { token } = (JSON.parse(answer.body) as { status: { token: string } }).status;
    const kubeconfig = componentKubeconfig(instance, name);
    writePrivately(`${kubeconfig}.token`, token);
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': name,
      clusters: [
        {
          name,
          cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority': pkiFile(instance, 'ca.crt') },
        },
      ],
      users: [{ name, user: { tokenFile: `${kubeconfig}.token` } }],
      contexts: [{ name, context: { cluster: name, user: name, namespace: NAMESPACE } }],
    };
    writePrivately(kubeconfig, stringify(config));
  };
  await Promise.all(Object.keys(RIGHTS).map(writeFor));
}
