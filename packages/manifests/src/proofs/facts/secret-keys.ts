import type { AwsClusterSettings } from '@gitops/settings';
import { secretsOf } from '@gitops/settings';
import { type KubernetesObject, nameOf } from '../../kubernetes/object.ts';
import type { FleetApplication } from '../../render/fleet.ts';
import { oncePerPlace, textProblem } from '../origin.ts';
import type { ProofContext } from '../proof.ts';
import { objectsOnAws } from './texts.ts';

/** What cannot be read from AWS Secrets Manager, since the role of External Secrets does not allow it. */
export function unreadableSecrets(fleet: readonly FleetApplication[], { root }: Pick<ProofContext, 'root'>): string[] {
  const found: string[] = [];
  for (const { entry, cluster, object } of objectsOnAws(fleet))
    for (const { path, rule, value } of [...keyProblems(object, cluster), ...storeProblems(object, cluster)])
      found.push(textProblem(root, entry, { object: nameOf(object), path, rule }, value));
  return oncePerPlace(found);
}

interface Wrong {
  readonly path: string;
  readonly rule: string;
  readonly value: string;
}

interface Remote {
  readonly key?: string;
}

interface ExternalSecretSpec {
  readonly data?: readonly { readonly secretKey?: string; readonly remoteRef?: Remote }[];
  readonly dataFrom?: readonly {
    readonly extract?: Remote;
    readonly find?: { readonly path?: string; readonly name?: unknown; readonly tags?: unknown };
  }[];
}

// The ARN of a secret ends in its name; ARNs of another account or region are refused as such.
const SECRET_ARN = /^arn:[^:]+:secretsmanager:[^:]*:[^:]*:secret:/;

/** Keys below another name than the cluster's. */
function keyProblems({ kind, spec }: KubernetesObject, { name }: AwsClusterSettings): Wrong[] {
  if (kind !== 'ExternalSecret') return [];
  const { data = [], dataFrom = [] } = (spec ?? {}) as ExternalSecretSpec;
  const keys: { path: string; key: string | undefined }[] = [];
  for (const { secretKey, remoteRef } of data)
    keys.push({ path: `spec.data[${secretKey ?? ''}].remoteRef.key`, key: remoteRef?.key });
  for (const [index, { extract, find }] of dataFrom.entries()) {
    if (extract !== undefined) keys.push({ path: `spec.dataFrom[${index}].extract.key`, key: extract.key });
    // Searching needs the right to list secrets, which no policy can limit to some of them.
    if (find !== undefined)
      keys.push({ path: `spec.dataFrom[${index}].find`, key: find.path ?? JSON.stringify(find.name ?? find.tags) });
  }
  const found: Wrong[] = [];
  for (const { path, key = '' } of keys) {
    const isSearch = path.endsWith('.find');
    if (!isSearch && key.replace(SECRET_ARN, '').startsWith(secretsOf(name))) continue;
    const rule = isSearch
      ? 'must name one secret: the role of External Secrets may not list them'
      : `must begin with ${secretsOf(name)}: the role of External Secrets reads no other secret`;
    found.push({ path, rule, value: key });
  }
  return found;
}

interface StoreSpec {
  readonly provider?: {
    readonly aws?: {
      readonly service?: string;
      readonly region?: string;
      readonly role?: string;
      readonly auth?: object;
    };
  };
}

/** Stores in another region, or that ask for more than the role has. */
function storeProblems({ kind, spec }: KubernetesObject, { region }: AwsClusterSettings): Wrong[] {
  if (kind !== 'ClusterSecretStore' && kind !== 'SecretStore') return [];
  const { aws } = ((spec ?? {}) as StoreSpec).provider ?? {};
  if (aws === undefined) return [];
  const found: Wrong[] = [];
  const report = (key: string, value: string, rule: string): void => {
    found.push({ path: `spec.provider.aws.${key}`, rule, value });
  };
  if (aws.region !== undefined && aws.region !== region)
    report('region', aws.region, `must be ${region}, the region of the cluster and of its secrets`);
  if (aws.service === 'ParameterStore')
    report('service', aws.service, 'must be SecretsManager: the role of External Secrets reads nothing else');
  if (aws.role !== undefined)
    report('role', aws.role, 'must be left out: the role of External Secrets may assume no other role');
  if (aws.auth !== undefined)
    report('auth', JSON.stringify(aws.auth), 'must be left out: the pods have a role by EKS Pod Identity');
  return found;
}
