import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError } from '@platform/report/errors';
import type { AwsClusterSettings } from '@platform/settings';
import { RunError } from '@platform/tools/run';
import { slotTag } from '../retention.ts';
import { call, require } from './programs.ts';

const NAME = 'fastify-service';
/** Where a build is deployed first. */
const FIRST_CLUSTER = 'dev';

export interface PushedImage {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

/**
 * Builds the image of the service for every kind of node that there is, and pushes it as a new version; by the protocol of
 * retention.ts it also gets the tag of the deployment that is to come.
 * @param repository the folder of this repository
 * @param dirty lets a work tree through that is not committed
 * Throws CommandError for a tag that is there already, a work tree that no commit names, and a missing or failing program.
 */
export async function pushImage(repository: string, tag: string, clusters: readonly AwsClusterSettings[], { dirty }: { readonly dirty: boolean }): Promise<PushedImage> {
  const [cluster] = clusters;
  if (cluster === undefined) throw new CommandError('no cluster on AWS would pull the image', 'add one below clusters/');
  const { accountId, region } = cluster.registry;
  const host = `${accountId}.dkr.ecr.${region}.amazonaws.com`;
  const changes = await require('git', ['-C', repository, 'status', '--porcelain'], 'run it in a clone');
  if (changes.trim() !== '' && !dirty) throw new CommandError('the work tree has changes that no commit holds, so nobody could build this image again', 'commit them, or say DIRTY=1');
  if (await exists(tag, { accountId, region })) throw new CommandError(`${host}/${NAME}:${tag} is there already, and a version is written once`, 'take another TAG');

  const password = await require('aws', ['ecr', 'get-login-password', '--region', region], 'the role that calls must be allowed to push; see docs/guides/aws.md');
  await require('docker', ['login', '--username', 'AWS', '--password-stdin', host], 'is the Docker engine running?', password);
  const deployments = (await require('git', ['-C', repository, 'rev-list', '--count', 'HEAD', '--', `clusters/${FIRST_CLUSTER}/${NAME}.image.yaml`], 'run it in a clone')).trim();
  const names = [tag, slotTag(FIRST_CLUSTER, Number(deployments))].map((name) => `${host}/${NAME}:${name}`);
  const platforms = [...new Set(clusters.map(({ nodeGroup }) => (isArm(nodeGroup.instanceType) ? 'linux/arm64' : 'linux/amd64')))].sort();

  const scratch = mkdtempSync(join(tmpdir(), 'image-'));
  try {
    const metadata = join(scratch, 'metadata.json');
    await require(
      'docker',
      ['buildx', 'build', '--push', '--provenance=false', `--platform=${platforms.join()}`, ...names.map((name) => `--tag=${name}`), `--file=${join(repository, 'service/Dockerfile')}`, `--metadata-file=${metadata}`, repository],
      'read what it says above',
    );
    const digest = (JSON.parse(readFileSync(metadata, 'utf8')) as Record<string, unknown>)['containerimage.digest'];
    if (typeof digest !== 'string') throw new Error('docker buildx named no digest');
    return { repository: `${host}/${NAME}`, tag, digest };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Graviton machines have a g behind the generation: t4g, m7g. */
export const isArm = (instanceType: string): boolean => /^[a-z]+\d+g/.test(instanceType);

async function exists(tag: string, { accountId, region }: { readonly accountId: string; readonly region: string }): Promise<boolean> {
  try {
    await call('aws', ['ecr', 'describe-images', '--registry-id', accountId, '--region', region, '--repository-name', NAME, '--image-ids', `imageTag=${tag}`]);
    return true;
  } catch (error) {
    if (error instanceof RunError && error.stderr.includes('ImageNotFoundException')) return false;
    if (error instanceof RunError) throw new CommandError(error.message, 'is the registry applied (`make apply STACK=registry`), and are these credentials of its account?');
    throw error;
  }
}
