import { join } from 'node:path';
import { command } from '@gitops/report/command-line';
import { CommandError, UsageError } from '@gitops/report/errors';
import { flag, text } from '@gitops/report/options';
import type { AwsClusterSettings } from '@gitops/settings';
import { tagProblem } from '@gitops/settings/image-file';
import { instanceType } from '@gitops/settings/instance-types';
import { run, RunError } from '@gitops/tools/run';
import { requireCredentials } from '../credentials.ts';
import { slotTag } from '../retention.ts';
import { awsClusters, repository } from '../workspace.ts';
import { call, require } from './programs.ts';

const NAME = 'fastify-service';
/** Where a build is deployed first. */
const FIRST_CLUSTER = 'dev';

export default command({
  summary: 'build the image of the service as TAG and push it to the registry',
  options: {
    tag: text('the version of the image', {
      isRequired: true,
      placeholder: 'VERSION',
      example: '0.2.0',
      problem: tagProblem,
    }),
    dirty: flag('allow a work tree with changes that no commit holds'),
  },
  run: async ({ options: { tag, dirty }, json, print }) => {
    const clusters = awsClusters();
    const owner = clusters.find(({ name }) => tag.startsWith(`${name}-`));
    if (owner !== undefined)
      throw new UsageError(
        `${tag} looks like a tag of the cluster ${owner.name}, and these move`,
        'choose another TAG',
      );
    requireCredentials();
    const image = await pushImage(repository, tag, clusters, { dirty });
    print(json ? JSON.stringify(image) : image.reference);
  },
});

/** What service/image.ts prints of an image that it pushed. */
export interface PushedImage {
  /** repository:tag@digest */
  readonly reference: string;
  readonly tag: string;
  readonly digest: string;
  readonly commit: string;
}

/**
 * Has service/image.ts build the service for every kind of node that there is, and push it to the registry as a new
 * version; by the protocol of retention.ts it also gets the tag of the deployment that is to come. Docker's progress
 * goes to standard error.
 * @param repository the folder of this repository
 * @param dirty lets a work tree through that is not committed
 * Throws CommandError for a tag that is there already, a work tree that no commit names, and a missing or failing
 * program.
 */
export async function pushImage(
  repository: string,
  tag: string,
  clusters: readonly AwsClusterSettings[],
  { dirty }: { readonly dirty: boolean },
): Promise<PushedImage> {
  const [cluster] = clusters;
  if (cluster === undefined)
    throw new CommandError('no cluster on AWS would pull the image', 'add one below clusters/');
  const { accountId, region } = cluster.registry;
  const host = `${accountId}.dkr.ecr.${region}.amazonaws.com`;
  const changes = await require('git', ['-C', repository, 'status', '--porcelain'], 'run it in a clone');
  if (changes.trim() !== '' && !dirty)
    throw new CommandError(
      'the work tree has changes that no commit holds, so nobody could build this image again',
      'commit them, or set DIRTY=yes',
    );
  if (await exists(tag, { accountId, region }))
    throw new CommandError(
      `${host}/${NAME}:${tag} is there already, and a version is written once`,
      'choose another TAG',
    );

  const password = await require('aws', [
    'ecr',
    'get-login-password',
    '--region',
    region,
  ], 'the role that calls must be allowed to push; see docs/guides/aws.md');
  await require('docker', [
    'login',
    '--username',
    'AWS',
    '--password-stdin',
    host,
  ], 'is the Docker engine running?', password);
  const deployments = (
    await require('git', [
      '-C',
      repository,
      'rev-list',
      '--count',
      'HEAD',
      '--',
      `clusters/${FIRST_CLUSTER}/${NAME}.image.yaml`,
    ], 'run it in a clone')
  ).trim();
  const platforms = [
    ...new Set(clusters.map(({ nodeGroup }) => `linux/${instanceType(nodeGroup.instanceType).architecture}`)),
  ].sort();
  try {
    const args = [
      '--tag',
      tag,
      '--also',
      slotTag(FIRST_CLUSTER, Number(deployments)),
      '--registry',
      host,
      '--platform',
      platforms.join(),
      '--push',
      '--json',
    ];
    return JSON.parse(
      await run(process.execPath, [join(repository, 'service/image.ts'), ...args], {
        onErrorLine: (line) => process.stderr.write(`${line}\n`),
      }),
    ) as PushedImage;
  } catch (error) {
    if (error instanceof RunError)
      throw new CommandError('the image was not built or not pushed', 'read what service/image.ts says above');
    throw error;
  }
}

async function exists(
  tag: string,
  { accountId, region }: { readonly accountId: string; readonly region: string },
): Promise<boolean> {
  try {
    await call('aws', [
      'ecr',
      'describe-images',
      '--registry-id',
      accountId,
      '--region',
      region,
      '--repository-name',
      NAME,
      '--image-ids',
      `imageTag=${tag}`,
    ]);
    return true;
  } catch (error) {
    if (error instanceof RunError && error.stderr.includes('ImageNotFoundException')) return false;
    if (error instanceof RunError)
      throw new CommandError(
        error.message,
        'is the registry applied (`make apply STACK=registry`), and are these credentials of its account?',
      );
    throw error;
  }
}
