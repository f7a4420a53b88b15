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
