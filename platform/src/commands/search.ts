import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Revision } from '../recovery/releases.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { callProgram } from './programs.ts';

/** Something that AWS's search by tags found. */
export interface TaggedThing {
  readonly arn: string;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * Everything in a region of the account that has tags, as AWS's search knows it: some things show a few minutes late,
 * some for a while after they are deleted, and IAM roles not at all.
 * @param tags all of these; null matches any value of a key
 * Throws CommandError where the AWS CLI is missing or fails.
 */
export async function tagged(region: string, tags: Readonly<Record<string, string | null>>): Promise<TaggedThing[]> {
  const filters = Object.entries(tags).map(([key, value]) =>
    value === null ? `Key=${key}` : `Key=${key},Values=${value}`,
  );
  const answer = await callProgram(
    'aws',
    ['resourcegroupstaggingapi', 'get-resources', '--region', region, '--tag-filters', ...filters, '--output', 'json'],
    { next: 'allow tag:GetResources to the role that calls' },
  );
  const { ResourceTagMappingList: found } = JSON.parse(answer) as {
    ResourceTagMappingList: readonly { ResourceARN: string; Tags?: readonly { Key: string; Value: string }[] }[];
  };
  return found.map(({ ResourceARN: arn, Tags = [] }) => ({
    arn,
    tags: Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value])),
  }));
}

/** A cluster, as the AWS CLI finds it. */
interface Named {
  readonly name: string;
  readonly region: string;
}

/** An instance that Karpenter started. */
export interface AddedInstance {
  readonly id: string;
  readonly zone: string;
}

/**
 * The instances that Karpenter started for a cluster and that are not ended: AWS's search by tags goes on finding an
 * ended one for an hour. Throws CommandError as `tagged` does.
 */
export async function addedInstances({ name, region }: Named): Promise<AddedInstance[]> {
  const answer = await callProgram(
    'aws',
    [
      ...['ec2', 'describe-instances', '--region', region, '--filters', `Name=tag:cluster,Values=${name}`],
      'Name=tag-key,Values=karpenter.sh/nodepool',
      'Name=instance-state-name,Values=pending,running,shutting-down,stopping,stopped',
      ...['--query', 'Reservations[].Instances[].[InstanceId,Placement.AvailabilityZone]', '--output', 'json'],
    ],
    { next: 'allow ec2:DescribeInstances to the role that calls' },
  );
  return (JSON.parse(answer) as [string, string][]).map(([id, zone]) => ({ id, zone }));
}

/** The selections of a backup plan, ids by names. Throws CommandError as `tagged` does. */
export async function backupSelections(region: string, planId: string): Promise<ReadonlyMap<string, string>> {
  const answer = await callProgram(
    'aws',
    ['backup', 'list-backup-selections', '--region', region, '--backup-plan-id', planId, '--output', 'json'],
    { next: 'allow backup:ListBackupSelections to the role that calls' },
  );
  const { BackupSelectionsList: found } = JSON.parse(answer) as {
    BackupSelectionsList: readonly { SelectionName: string; SelectionId: string }[];
  };
  return new Map(found.map(({ SelectionName, SelectionId }) => [SelectionName, SelectionId]));
}

/** The revisions of all Helm releases in a namespace. Throws CommandError where the cluster cannot be reached. */
export async function helmRevisions(cluster: Named, namespace: string): Promise<Revision[]> {
  // The labels only: the content of the Secrets is what the chart rendered.
  const columns = ['name', 'labels.name', 'labels.version', 'labels.status'].map(
    (path, index) => `${String(index)}:.metadata.${path}`,
  );
  const answer = await withKubectl(cluster, namespace, [
    'get',
    'secrets',
    '--selector=owner=helm',
    `--output=custom-columns=${columns.join(',')}`,
    '--no-headers',
  ]);
  const revisions: Revision[] = [];
  for (const line of answer.split('\n')) {
    const [secret, release, number, status] = line.trim().split(/\s+/);
    if (secret === undefined || release === undefined || status === undefined) continue;
    revisions.push({ release, namespace, number: Number(number), status, secret });
  }
  return revisions;
}

/** Deletes the record of a revision, and nothing of what it installed. Throws CommandError as `helmRevisions` does. */
export async function clearRevision(cluster: Named, { namespace, secret }: Revision): Promise<void> {
  await withKubectl(cluster, namespace, ['delete', 'secret', secret, '--ignore-not-found']);
}

async function withKubectl(cluster: Named, namespace: string, args: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'recover-'));
  try {
    // A file of its own: the user's current context stays.
    const file = join(folder, 'kubeconfig');
    await writeKubeconfig(cluster, file);
    return await callProgram('kubectl', ['--kubeconfig', file, '--namespace', namespace, ...args], {
      next: `is the Kubernetes API of ${cluster.name} reached from here, by a role of its settings (api.publicCidrs, api.adminRoles)?`,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
