import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { offeredAddons } from '@gitops/settings/eks-versions';
import type { Caller, SimulatedAws } from './cloud.ts';

// What `aws` and `kubectl` answer where AWS is simulated: the calls of our commands and of the documents, no others.

/** How a program ended. */
export interface CommandAnswer {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly code?: number;
}

/** Who calls: somebody with a role that dev's `api.adminRoles` names. */
const CALLER = 'arn:aws:sts::111111111111:assumed-role/platform-team/reader';

const json = (value: object): CommandAnswer => ({ stdout: `${JSON.stringify(value, null, 2)}\n` });

const unknown = (program: string, args: readonly string[]): CommandAnswer => ({
  stderr: `${program} ${args.join(' ')}: not simulated; add it to platform/test/simulated-aws/command-lines.ts\n`,
  code: 252,
});

/** The value of an option, undefined where it is not given. */
function optionIn(args: readonly string[], name: string): string | undefined {
  const index = args.indexOf(name);
  return index === -1 ? undefined : args[index + 1];
}

/**
 * What the AWS CLI answers.
 * @param cwd the folder in which it is called
 */
export function awsAnswer(cloud: SimulatedAws, args: readonly string[], cwd: string): CommandAnswer {
  const callerIn = (accountId: string): Caller => ({
    accountId,
    region: optionIn(args, '--region') ?? 'us-east-1',
    defaultTags: {},
  });
  const name = optionIn(args, '--name') ?? '';
  const hasCluster = (): boolean => cloud.things('aws_eks_cluster').some(({ values }) => values.name === name);
  const missing = (what: string): CommandAnswer => ({
    stderr: `An error occurred (ResourceNotFoundException): ${what}\n`,
    code: 254,
  });
  switch (args.slice(0, 2).join(' ')) {
    case 'sts get-caller-identity':
      return optionIn(args, '--query') === 'Arn' ? { stdout: `${CALLER}\n` } : json({ Arn: CALLER });
    case 'eks describe-cluster':
      return hasCluster()
        ? json({ cluster: { name, status: 'ACTIVE' } })
        : missing(`No cluster found for name: ${name}.`);
    case 'eks update-kubeconfig':
      if (!hasCluster()) return missing(`No cluster found for name: ${name}.`);
      return { stdout: `Added new context ${name} to ${optionIn(args, '--kubeconfig') ?? '~/.kube/config'}\n` };
    case 'ec2 describe-availability-zones': {
      const region = optionIn(args, '--region') ?? '';
      return {
        stdout: ['a', 'b', 'c'].map((letter, index) => `${region}${letter}\taz${String(index + 1)}\n`).join(''),
      };
    }
    case 'service-quotas list-service-quotas':
      return { stdout: '64.0\n' };
    case 'resourcegroupstaggingapi get-resources':
      return json({ ResourceTagMappingList: taggedBy(cloud, filtersIn(args), callerIn) });
    case 'backup list-backup-selections': {
      const plan = optionIn(args, '--backup-plan-id');
      const found = cloud.things('aws_backup_selection').filter(({ values }) => values.plan_id === plan);
      return json({
        BackupSelectionsList: found.map(({ id, values }) => ({ SelectionName: values.name, SelectionId: id })),
      });
    }
    case 'eks describe-addon-versions':
      return { stdout: `${offeredAddons(optionIn(args, '--kubernetes-version') ?? '').join('\t')}\n` };
    case 'ec2 describe-volumes':
      // No pod runs here that could have claimed one.
      return { stdout: '' };
    case 'ec2 describe-instances':
      // No Karpenter runs here that could have started one.
      return json([]);
    case 'logs describe-log-groups': {
      const group = optionIn(args, '--log-group-name-prefix');
      const found = cloud.things('aws_cloudwatch_log_group').filter(({ values }) => values.name === group);
      return json(found.map(({ values }) => values.arn));
    }
    case 'iam list-roles': {
      const prefix = /starts_with\(RoleName, '(.*?)'\)/.exec(optionIn(args, '--query') ?? '')?.[1] ?? '';
      const found = cloud.things('aws_iam_role').filter(({ values }) => String(values.name).startsWith(prefix));
      return json(found.map(({ values }) => values.arn));
    }
    case 'ec2 describe-instance-type-offerings': {
      // Every type in every zone that a subnet names.
      const zones = cloud.things('aws_subnet').map(({ values }) => String(values.availability_zone));
      return { stdout: `${[...new Set(zones)].join('\t')}\n` };
    }
    case 'secretsmanager put-secret-value': {
      const secret = optionIn(args, '--secret-id') ?? '';
      const found = cloud.things('aws_secretsmanager_secret').find(({ values }) => values.name === secret);
      if (found === undefined) return missing("Secrets Manager can't find the specified secret.");
      const file = /^file:\/\/(.*)$/.exec(optionIn(args, '--secret-string') ?? '')?.[1];
      if (file !== undefined && !existsSync(resolve(cwd, file)))
        return {
          stderr: `Error parsing parameter '--secret-string': Unable to load paramfile file://${file}\n`,
          code: 252,
        };
      return json({ ARN: found.values.arn, Name: secret, VersionStages: ['AWSCURRENT'] });
    }
    default:
      return unknown('aws', args);
  }
}

/** The tags that a search names, each with its value or undefined for any. */
function filtersIn(args: readonly string[]): (readonly [key: string, value: string | undefined])[] {
  const filters: (readonly [string, string | undefined])[] = [];
  for (const arg of args.slice(args.indexOf('--tag-filters') + 1)) {
    const [, key, value] = /^Key=([^,]+)(?:,Values=(.*))?$/.exec(arg) ?? [];
    if (key === undefined) break;
    filters.push([key, value]);
  }
  return filters;
}

/** What carries all of these tags, in every account that has something. */
function taggedBy(
  cloud: SimulatedAws,
  filters: ReturnType<typeof filtersIn>,
  callerIn: (accountId: string) => Caller,
): object[] {
  const found: object[] = [];
  for (const accountId of new Set(cloud.things().map((thing) => thing.accountId)))
    for (const { arn, tags } of cloud.tagged({}, callerIn(accountId)))
      if (filters.every(([key, value]) => tags[key] !== undefined && (value === undefined || tags[key] === value)))
        found.push({ ResourceARN: arn, Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) });
  return found;
}

/** What kubectl answers of a cluster of the simulated AWS, in which nothing runs but Argo CD. */
export function kubectlAnswer(cloud: SimulatedAws, args: readonly string[]): CommandAnswer {
  const words = args.filter(
    (arg, index) => !arg.startsWith('-') && !['-n', '--namespace', '--kubeconfig'].includes(args[index - 1] ?? ''),
  );
  if (cloud.things('aws_eks_cluster').length === 0)
    return { stderr: 'The connection to the server localhost:8080 was refused\n', code: 1 };
  switch (words.slice(0, 2).join(' ')) {
    case 'get statefulset':
      return cloud.things('helm_release').length === 0
        ? {}
        : { stdout: 'statefulset.apps/argocd-application-controller\n' };
    case 'get applications':
      if (args.includes('--output=json')) return json({ items: [] });
      return { stdout: 'NAME   SYNC STATUS   HEALTH STATUS\nroot   Synced        Healthy\n' };
    case 'get secrets':
      return {
        stdout: cloud
          .things('helm_release')
          .map(({ id, values }) => `sh.helm.release.v1.${id}.v1 ${id} 1 ${String(values.status)}\n`)
          .join(''),
      };
    case 'get crd':
    case 'delete application':
    case 'delete applicationset':
    case 'delete persistentvolumeclaim':
    case 'delete ingress':
    case 'patch application':
      return {};
    default:
      return unknown('kubectl', args);
  }
}
