import { parse } from 'yaml';
import { CommandError } from '@gitops/report/errors';
import { FIRST_SERVICE, UNRELEASED } from '@gitops/settings/services';
import { textOf } from './work-tree.ts';

// The values of a new service: small, and for each cluster by what the first service has there. Nothing here needs a person
// before the first merge; all of it is meant to be changed.

const SCHEMA = '# yaml-language-server: $schema=../../charts/fastify-service/values.schema.json';

/** What is read of the first service's values for a cluster. */
interface FirstValues {
  readonly host: string;
  readonly replicas?: number;
  readonly zoneSpread?: string;
  readonly rollout?: object;
  readonly check?: object;
  readonly ingress?: { readonly https?: boolean; readonly deletionProtection?: boolean };
}

/** clusters/shared/<name>.yaml */
export const sharedValues = (name: string): string => `${SCHEMA}
# Common to all clusters: ${name}. clusters/<cluster>/${name}.yaml overrides single keys.
# Small until its load is known: nodes of every cluster have room for that (\`make capacity\`).
resources:
  cpu: 100m
ingress:
  # Load balancers are in the public subnets, from whose networks the NetworkPolicy allows ingress.
  scheme: internet-facing
check:
  # Its first route; one that needs what the service needs is the better check.
  path: /v1/${name}/a-1
`;

/**
 * clusters/<cluster>/<name>.yaml
 * Throws CommandError where the first service's values have no host that begins with its name.
 */
export function clusterValues(root: string, cluster: string, name: string): string {
  const file = `clusters/${cluster}/${FIRST_SERVICE}.yaml`;
  const { host, replicas, zoneSpread, ...first } = parse(textOf(root, file) ?? '{}') as Partial<FirstValues>;
  if (host?.startsWith(`${FIRST_SERVICE}.`) !== true)
    throw new CommandError(
      `${file}: host: must begin with ${FIRST_SERVICE}. (it is ${JSON.stringify(host)})`,
      'a new service gets a host beside it; nothing was written',
    );
  const lines = [SCHEMA, `host: ${host.replace(FIRST_SERVICE, name)}`];
  if (replicas === 1 || first.rollout !== undefined)
    lines.push('# One pod; a drain may interrupt it, so it has no PodDisruptionBudget.', 'replicas: 1', ...NO_BUDGET);
  else lines.push('# Two, so that one can be drained.', 'replicas: 2');
  if (zoneSpread !== undefined) lines.push(`zoneSpread: ${zoneSpread}`);
  for (const section of ['rollout', 'ingress', 'check'] as const) {
    if (first[section] === undefined) continue;
    lines.push(`# As ${FIRST_SERVICE} has it here.`, `${section}:`);
    for (const [key, value] of Object.entries(first[section])) lines.push(`  ${key}: ${String(value)}`);
  }
  return `${lines.join('\n')}\n`;
}

const NO_BUDGET = ['podDisruptionBudget:', '  enabled: false'];

/** clusters/<cluster>/<name>.image.yaml, before the first release. */
export const FIRST_IMAGE = `${SCHEMA}
# Written by CI alone; people change it through a pull request that CI opens.
image:
  tag: "0.0.0"
  digest: ${UNRELEASED}
`;
