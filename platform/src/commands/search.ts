import { require } from './programs.ts';

/** Something that AWS's search by tags found. */
export interface TaggedThing {
  readonly arn: string;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * Everything in a region of the account that carries tags, as AWS's search knows it: some things a few minutes late,
 * some that are gone for a while yet, and no IAM roles.
 * @param tags every one of these; a key with null has any value
 * Throws CommandError where the AWS CLI is missing or refuses.
 */
export async function tagged(region: string, tags: Readonly<Record<string, string | null>>): Promise<TaggedThing[]> {
  const filters = Object.entries(tags).map(([key, value]) =>
    value === null ? `Key=${key}` : `Key=${key},Values=${value}`,
  );
  const answer = await require('aws', [
    'resourcegroupstaggingapi',
    'get-resources',
    '--region',
    region,
    '--tag-filters',
    ...filters,
    '--output',
    'json',
  ], 'the role that calls must be allowed tag:GetResources');
  const { ResourceTagMappingList: found } = JSON.parse(answer) as {
    ResourceTagMappingList: readonly { ResourceARN: string; Tags?: readonly { Key: string; Value: string }[] }[];
  };
  return found.map(({ ResourceARN: arn, Tags = [] }) => ({
    arn,
    tags: Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value])),
  }));
}

/** The selections of a backup plan, ids by names. Throws CommandError as `tagged` does. */
export async function backupSelections(region: string, planId: string): Promise<ReadonlyMap<string, string>> {
  const answer = await require('aws', [
    'backup',
    'list-backup-selections',
    '--region',
    region,
    '--backup-plan-id',
    planId,
    '--output',
    'json',
  ], 'the role that calls must be allowed backup:ListBackupSelections');
  const { BackupSelectionsList: found } = JSON.parse(answer) as {
    BackupSelectionsList: readonly { SelectionName: string; SelectionId: string }[];
  };
  return new Map(found.map(({ SelectionName, SelectionId }) => [SelectionName, SelectionId]));
}
