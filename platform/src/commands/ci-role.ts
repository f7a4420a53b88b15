import { command } from '@gitops/report/command-line';
import { CommandError, UsageError } from '@gitops/report/errors';
import { setJobOutputs } from '@gitops/report/github';
import { choice } from '@gitops/report/options';
import type { AwsClusterSettings } from '@gitops/settings';
import { deployRole, imagePushRole, planRole, previewPushRole, projectOf } from '../names.ts';
import { awsClusters, clusterNamed, clusterOption, stateKind } from '../workspace.ts';

export const ROLES = ['deploy', 'image-push', 'plan', 'preview-push'] as const;

/** The roles of the one registry, which are of no cluster. */
const OF_REGISTRY = { 'image-push': imagePushRole, 'preview-push': previewPushRole } as const;

/** A role of CI, and where its calls go. */
export interface CiRole {
  /** arn:aws:iam::111111111111:role/gitops-platform-plan */
  readonly arn: string;
  /** us-east-1 */
  readonly region: string;
}

export default command({
  summary: 'print the AWS role and region of a CI job; on GitHub, hand them to its next steps',
  options: {
    role: choice('what the job does', ROLES, { isRequired: true }),
    cluster: clusterOption,
  },
  run: async ({ options: { role, cluster }, json, print }) => {
    if (!(role in OF_REGISTRY) && stateKind() === 'local')
      throw new CommandError(
        'the state is on one machine, where a CI job does not find it',
        'move it to S3 first: `make migrate-state` (docs/guides/aws.md)',
      );
    const found = ciRole(role, cluster);
    setJobOutputs({ ...found });
    print(json ? JSON.stringify(found) : `${found.arn} in ${found.region}`);
    return Promise.resolve();
  },
});

/**
 * The role of a CI job, as the bootstrap stack of its account creates it.
 * @param cluster whose account and region it is for; images go to the one registry
 * Throws UsageError where the role needs a cluster and none is given.
 */
export function ciRole(role: (typeof ROLES)[number], cluster?: string): CiRole {
  if (role === 'image-push' || role === 'preview-push') {
    const [any] = awsClusters();
    if (any === undefined) throw new CommandError('no cluster is on AWS', 'add one below clusters/');
    return at(any.registry, OF_REGISTRY[role](projectOf(any)));
  }
  if (cluster === undefined)
    throw new UsageError(`CLUSTER (--cluster) is missing: ${role} is of one cluster`, 'CLUSTER=dev');
  const settings = clusterNamed(cluster);
  const project = projectOf(settings);
  return at(settings, role === 'plan' ? planRole(project) : deployRole(project, settings));
}

const at = ({ accountId, region }: Pick<AwsClusterSettings, 'accountId' | 'region'>, name: string): CiRole => ({
  arn: `arn:aws:iam::${accountId}:role/${name}`,
  region,
});
