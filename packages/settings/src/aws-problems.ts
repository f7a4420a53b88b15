import type { Static } from 'typebox';
import { Value } from 'typebox/value';
import { formatCidr, overlaps, parseCidr } from '@gitops/subnets/cidr';
import { reservedRanges } from '@gitops/subnets/reserved-ranges';
import {
  BUCKET_LIMIT,
  clusterRolePrefix,
  deployRoleName,
  LONGEST_ROLE_ENDING,
  projectOf,
  ROLE_LIMIT,
  stateBucketName,
} from './aws-names.ts';
import { priceProblem } from './prices.ts';
import { quotaProblems } from './quotas.ts';
import { zonesWithoutFamily } from './regions.ts';
import { Api, AwsCluster } from './schema.ts';
import type { Problem } from './schema-problems.ts';

// What AWS would refuse in the midst of an apply: names, networks of whoever calls, instance types in zones, regions. Each
// function leaves to the schema what is not of its form.

type Values = Readonly<Record<string, unknown>>;

/** What is wrong with a cluster on AWS as a whole, and only where each of its settings is of the right form. */
export function awsProblems(settings: Values): Problem[] {
  if (!Value.Check(AwsCluster, settings)) return [];
  const project = projectOf(settings);
  const problems = [...nameProblems(project, settings), ...ownRoleProblems(project, settings)];
  return [...problems, ...instanceTypeProblems(settings), ...quotaProblems(settings, []), ...priceProblem(settings)];
}

/** Every zone needs the type of the node group, and one at least of those that Karpenter may add. */
function instanceTypeProblems({ nodeGroup, nodePool, network }: Static<typeof AwsCluster>): Problem[] {
  const zonesWithout = (types: readonly string[]): string[] =>
    network.zones.filter((zone) => types.every((type) => zonesWithoutFamily(type).includes(zone)));
  const problems: Problem[] = [];
  const add = (keys: readonly string[], types: readonly string[], what: string): void => {
    const lacking = zonesWithout(types);
    if (lacking.length > 0)
      problems.push({ keys, rule: `must ${what} in ${lacking.join(', ')} (packages/settings/data/zones.json)` });
  };
  add(['nodeGroup', 'instanceType'], [nodeGroup.instanceType], 'be a type that exists');
  if (nodePool !== undefined) add(['nodePool', 'instanceTypes'], nodePool.instanceTypes, 'have a type that exists');
  return problems;
}

function nameProblems(project: string, { name, accountId }: Static<typeof AwsCluster>): Problem[] {
  const keys = ['git', 'repository'];
  const problems: Problem[] = [];
  const bucket = stateBucketName(project, accountId);
  if (!/^[a-z0-9][a-z0-9-]*$/.test(project))
    problems.push({
      keys,
      rule: 'must end in a name of lower-case letters, digits and dashes: the name of an S3 bucket begins with it',
    });
  else if (bucket.length > BUCKET_LIMIT)
    problems.push({
      keys,
      rule: `is too long: the bucket ${bucket} has ${bucket.length} characters, S3 allows ${BUCKET_LIMIT}`,
    });
  const role = `${clusterRolePrefix(project, name)}${LONGEST_ROLE_ENDING}`;
  if (role.length > ROLE_LIMIT)
    problems.push({
      keys: ['name'],
      rule:
        `is too long with the name of the repository: the role ${role} has ${role.length} characters, ` +
        `IAM allows ${ROLE_LIMIT}`,
    });
  return problems;
}

/** The platform gives its own roles their entries in the cluster. */
function ownRoleProblems(project: string, { name, api }: Static<typeof AwsCluster>): Problem[] {
  const problems: Problem[] = [];
  for (const [list, roles] of rolesOf(api)) {
    for (const [index, role] of roles.entries()) {
      const plain = plainName(role);
      const keys = ['api', list, String(index)];
      if (plain === deployRoleName(project, name).toLowerCase())
        problems.push({ keys, rule: 'is the role of CI, which is an admin anyway; leave it out' });
      else if (plain.startsWith(clusterRolePrefix(project, name).toLowerCase()))
        problems.push({ keys, rule: 'is a role of the cluster itself; name one that people assume' });
    }
  }
  return problems;
}

const rolesOf = ({ adminRoles, viewerRoles }: Static<typeof Api>): [list: string, roles: readonly string[]][] => [
  ['adminRoles', adminRoles],
  ['viewerRoles', viewerRoles],
];

/** Roles of an account differ by their names alone, without case, whatever their paths (IAM API reference, CreateRole). */
const plainName = (role: string): string => role.replace(/^.*\//, '').toLowerCase();

/** An IAM role has one entry in a cluster. */
export function roleProblems(api: Static<typeof Api>): Problem[] {
  const seen = new Map<string, string>();
  const problems: Problem[] = [];
  for (const [list, roles] of rolesOf(api)) {
    for (const [index, role] of roles.entries()) {
      const rule = roleFormProblem(role) ?? sameRoleProblem(seen.get(plainName(role)));
      if (rule === undefined) seen.set(plainName(role), `api.${list}.${index}`);
      else problems.push({ keys: ['api', list, String(index)], rule });
    }
  }
  return problems;
}

function roleFormProblem(role: string): string | undefined {
  if (/^\/|\/\/|\/$/.test(role)) return 'must be a name, or a path and a name: team/platform-team';
  if (role.replace(/^.*\//, '').length > ROLE_LIMIT) return `must have a name of at most ${ROLE_LIMIT} characters`;
  return undefined;
}

const sameRoleProblem = (first: string | undefined): string | undefined =>
  first === undefined ? undefined : `is the same IAM role as ${first}; list it once`;

// In no packet that a router forwards, by IANA's registry, and IPv4 multicast, which has a registry of its own (RFC 5771).
// AWS refuses them as the network of a VPC (VPC user guide, "VPC CIDR blocks").
const UNUSABLE: readonly { readonly cidr: string; readonly name: string }[] = [
  ...reservedRanges.filter(({ family, forwardable }) => family === 4 && forwardable === false),
  { cidr: '224.0.0.0/4', name: 'Multicast' },
];

/** Networks that anyone may use inside, and nobody on the internet. */
const PRIVATE = reservedRanges.filter(({ family, name }) => family === 4 && /^(Private-Use|Shared Address)/.test(name));

// A /16 has 65,536 addresses; who owns more lists them. Two halves of the internet are refused with it.
const WIDEST_PUBLIC_PREFIX = 16;

/** Why a network may not reach the Kubernetes API over the internet; undefined where it may. */
export function publicCidrProblem(text: string): string | undefined {
  const cidr = parseCidr(text);
  if (cidr.prefixLength < WIDEST_PUBLIC_PREFIX)
    return `must not open the Kubernetes API to the world: the widest network allowed is a /${WIDEST_PUBLIC_PREFIX}`;
  // Networks for documentation stand in for those of whoever copies this repository.
  const outside = [...UNUSABLE, ...PRIVATE].find(
    (range) => !range.name.startsWith('Documentation') && overlaps(cidr, parseCidr(range.cidr)),
  );
  return outside === undefined
    ? undefined
    : `must be a network of the internet, and ${outside.cidr} (${outside.name}) is none; ` +
        'what is inside the VPC reaches the API anyway';
}

// Docker's network, which services of AWS use inside a VPC (VPC user guide, "VPC CIDR blocks": do not use it).
const DOCKER = '172.17.0.0/16';

/** Why a network cannot be that of a VPC; undefined where it can. */
export function vpcCidrProblem(text: string): string | undefined {
  const cidr = parseCidr(text);
  const unusable = UNUSABLE.find((range) => overlaps(cidr, parseCidr(range.cidr)));
  if (unusable !== undefined)
    return `must not overlap ${unusable.cidr} (${unusable.name}), which AWS refuses; for instance 10.1.0.0/16`;
  if (overlaps(cidr, parseCidr(DOCKER)))
    return `must not overlap ${DOCKER}, which services of AWS use inside a VPC; for instance 10.1.0.0/16`;
  const isPrivate = PRIVATE.some((range) => overlaps(cidr, parseCidr(range.cidr)));
  return isPrivate
    ? undefined
    : 'must be a private network, for instance 10.1.0.0/16: pods would not reach the addresses that it has on the internet';
}

/** Why a text is not a network's; undefined where it is. */
export function hostBits(text: string): string | undefined {
  const exact = formatCidr(parseCidr(text));
  return exact === text ? undefined : `has host bits set; the network is ${exact}`;
}
