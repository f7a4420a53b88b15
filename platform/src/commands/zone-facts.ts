import type { AwsClusterSettings } from '@gitops/settings';
import { BACKUP_TAG } from '../stacks/cluster-backups.ts';
import { callProgram } from './programs.ts';

/** A volume that a pod claimed. */
export interface Volume {
  readonly id: string;
  readonly zone: string;
}

/** The zones of a cluster's region in which AWS has an instance type. Throws CommandError where AWS does not say. */
export async function offers({ region }: AwsClusterSettings, instanceType: string): Promise<string[]> {
  const answer = await callProgram(
    'aws',
    [
      ...['ec2', 'describe-instance-type-offerings', '--region', region, '--location-type', 'availability-zone'],
      ...['--filters', `Name=instance-type,Values=${instanceType}`],
      ...['--query', 'InstanceTypeOfferings[].Location', '--output', 'text'],
    ],
    { next: 'allow ec2:DescribeInstanceTypeOfferings to the role that calls' },
  );
  return answer.split(/\s+/).filter((zone) => zone !== '');
}

/** The volumes of a cluster's pods: those that the CSI driver made. Throws CommandError where AWS does not say. */
export async function volumes({ region, name }: AwsClusterSettings): Promise<Volume[]> {
  const answer = await callProgram(
    'aws',
    [
      ...['ec2', 'describe-volumes', '--region', region, '--filters', `Name=tag:${BACKUP_TAG},Values=${name}`],
      ...['--query', 'Volumes[].[VolumeId,AvailabilityZone]', '--output', 'text'],
    ],
    { next: 'allow ec2:DescribeVolumes to the role that calls' },
  );
  const found: Volume[] = [];
  for (const line of answer.split('\n')) {
    const [id, zone] = line.trim().split(/\s+/);
    if (id !== undefined && zone !== undefined) found.push({ id, zone });
  }
  return found;
}
