import { join } from 'node:path';
import { tagProblem } from '@gitops/delivery/image-file';
import { readServiceDockerfile } from '@gitops/images/service-image';
import { command } from '@gitops/report/command-line';
import { CommandError, UsageError } from '@gitops/report/errors';
import { setJobOutputs } from '@gitops/report/github';
import { choice, flag, text } from '@gitops/report/options';
import { type AwsClusterSettings, PREVIEW_IMAGES, previewURL } from '@gitops/settings';
import { INSTANCE_TYPES } from '@gitops/settings/instance-types';
import { FIRST_SERVICE, serviceNames } from '@gitops/settings/services';
import { run, RunError } from '@gitops/tools/run';
import { requireCredentials } from '../credentials.ts';
import { slotTag } from '../retention.ts';
import { awsClusters, repository } from '../workspace.ts';
import { callProgram } from './programs.ts';

/** The account of every user of ECR; the password says who it is. */
const USERNAME = 'AWS';
/** Where a build is deployed first. */
const FIRST_CLUSTER = 'dev';

export default command({
  summary: 'build the image of a service as TAG and push it to the registry',
  options: {
    app: choice(`the service, ${FIRST_SERVICE} by default`, () => serviceNames(repository)),
    tag: text('the version of the image', {
      isRequired: true,
      placeholder: 'VERSION',
      example: '0.2.0',
      problem: tagProblem,
    }),
    dirty: flag('allow a work tree with uncommitted changes'),
    preview: text('the number of a pull request: the image is for its preview alone, with the commit as TAG', {
      placeholder: 'NUMBER',
      example: '12',
      problem: (value) => (/^[1-9][0-9]{0,9}$/.test(value) ? undefined : 'must be the number of a pull request'),
    }),
    docker: flag('build with Docker, by the Dockerfile, instead of without a daemon'),
  },
  run: async ({ options: { app = FIRST_SERVICE, tag, dirty, docker, preview }, json, print }) => {
    if (preview !== undefined && app !== FIRST_SERVICE)
      throw new UsageError(`${app} has no previews`, `only ${FIRST_SERVICE} has; leave out PREVIEW`);
    const clusters = awsClusters();
    const owner = clusters.find(({ name }) => tag.startsWith(`${name}-`));
    if (owner !== undefined)
      throw new UsageError(
        `${tag} looks like a tag of the cluster ${owner.name}, and these move`,
        'choose another TAG',
      );
    const url = preview === undefined ? undefined : addressOf(clusters, preview);
    requireCredentials();
    const image = await pushImage(repository, app, tag, clusters, { dirty, docker, isPreview: preview !== undefined });
    const { digest, platforms } = image;
    setJobOutputs({
      ...{ tag, digest, platforms: platforms.join(), repository: image.reference.replace(/:[^:@/]+@.*$/, '') },
      ...(url === undefined ? {} : { url }),
    });
    print(json ? JSON.stringify(image) : image.reference);
  },
});

/** Where the preview of a pull request answers. Throws CommandError where no cluster has previews. */
function addressOf(clusters: readonly AwsClusterSettings[], pullRequest: string): string {
  for (const cluster of clusters) {
    const url = previewURL(cluster, pullRequest);
    if (url !== undefined) return url;
  }
  throw new CommandError('no cluster has previews', 'set `previews` in clusters/dev/cluster.yaml');
}

/** What service/image.ts prints of an image that it pushed. */
export interface PushedImage {
  /** repository:tag@digest */
  readonly reference: string;
  readonly tag: string;
  readonly digest: string;
  /** linux/amd64, linux/arm64 */
  readonly platforms: readonly string[];
  readonly commit: string;
}

type Registry = AwsClusterSettings['registry'];

/**
 * Builds a service for every kind of node that settings know with service/image.ts, and pushes it to the registry as a new version. It
 * also gets the tag of the coming deployment (see retention.ts), unless it is for a preview. Progress goes to standard error.
 * @param repository the folder of this repository
 * @param service the name of its Application and its image
 * @param dirty allows a work tree with uncommitted changes
 * @param docker builds with Docker
 * @param isPreview for the repository of previews, whose pods pull by the commit
 * Throws CommandError for a tag that exists or is not the commit of a preview, uncommitted changes, a base image without a
 * digest, and a missing or failing program.
 */
export async function pushImage(
  repository: string,
  service: string,
  tag: string,
  clusters: readonly AwsClusterSettings[],
  { dirty, docker, isPreview }: { readonly dirty: boolean; readonly docker: boolean; readonly isPreview: boolean },
): Promise<PushedImage> {
  const [cluster] = clusters;
  if (cluster === undefined)
    throw new CommandError('no cluster on AWS would pull the image', 'add one below clusters/');
  const { registry } = cluster;
  const host = `${registry.accountId}.dkr.ecr.${registry.region}.amazonaws.com`;
  const name = isPreview ? PREVIEW_IMAGES : service;
  if (isPreview) {
    const commit = await headOf(repository);
    if (tag !== commit)
      throw new CommandError(
        `TAG: must be the commit that is checked out, by which the preview's pods pull (it is ${tag})`,
        `TAG=${commit}`,
      );
  }
  if (!dirty || isPreview) await requireCommitted(repository);
  requirePinnedBases(repository, docker);
  const present = await digestInRegistry(name, tag, registry);
  if (present !== undefined) {
    const commit = await headOf(repository);
    // A tag that is the commit is what an earlier run of the same release pushed, for the platforms that it has.
    if (tag === commit)
      return { reference: `${host}/${name}:${tag}@${present}`, tag, digest: present, platforms: PLATFORMS, commit };
    throw new CommandError(
      `${host}/${name}:${tag} already exists, and versions are never overwritten`,
      'use another TAG',
    );
  }
  const password = await passwordOf(registry);
  if (docker) await logIn(host, password);

  const args = [
    ...[
      '--service',
      service,
      '--tag',
      tag,
      ...(isPreview ? [] : ['--also', slotTag(FIRST_CLUSTER, await deployments(repository, service))]),
    ],
    // service/image.ts adds the name of the service.
    ...['--registry', `${host}/${name}`.replace(`/${service}`, ''), '--platform', PLATFORMS.join(), '--push', '--json'],
    ...(docker ? ['--docker'] : []),
  ];
  try {
    const printed = await run(process.execPath, [join(repository, 'service/image.ts'), ...args], {
      env: { ...process.env, REGISTRY_USERNAME: USERNAME, REGISTRY_PASSWORD: password },
      onErrorLine: (line) => process.stderr.write(`${line}\n`),
    });
    return JSON.parse(printed) as PushedImage;
  } catch (error) {
    if (error instanceof RunError)
      throw new CommandError('the image was not built or not pushed', 'read the messages of service/image.ts above');
    throw error;
  }
}

const git = async (repository: string, ...args: readonly string[]): Promise<string> =>
  callProgram('git', ['-C', repository, ...args], { next: 'run it in a clone' });

const headOf = async (repository: string): Promise<string> => (await git(repository, 'rev-parse', 'HEAD')).trim();

async function requireCommitted(repository: string): Promise<void> {
  const changes = await git(repository, 'status', '--porcelain');
  if (changes.trim() !== '')
    throw new CommandError(
      'the work tree has uncommitted changes, so this image could not be built again',
      'commit them, or set DIRTY=yes, which previews do not know',
    );
}

/**
 * The images that it is made from must be given by digest: a tag may name another image at the next build, and what was
 * tested could not be built again. service/Dockerfile has them; RUNTIME_IMAGE and BUILD_IMAGE have precedence.
 */
function requirePinnedBases(repository: string, docker: boolean): void {
  const given = Object.entries(process.env).filter(([, value]) => value !== '');
  const { base, builders } = readServiceDockerfile(
    repository,
    FIRST_SERVICE,
    Object.fromEntries(given) as Record<string, string>,
  );
  const moving = [base, ...(docker ? builders : [])].filter((image) => !/@sha256:[0-9a-f]{64}$/.test(image));
  if (moving.length > 0)
    throw new CommandError(
      `${moving.join(' and ')}: a base image without a digest, whose tag may move`,
      "merge Renovate's pull request that pins it in service/Dockerfile (docs/guides/github.md), or set RUNTIME_IMAGE=name@sha256:… (and BUILD_IMAGE with DOCKER=yes)",
    );
}

/** How many commits have deployed to the first cluster. */
async function deployments(repository: string, service: string): Promise<number> {
  const file = `clusters/${FIRST_CLUSTER}/${service}.image.yaml`;
  return Number((await git(repository, 'rev-list', '--count', 'HEAD', '--', file)).trim());
}

/**
 * linux/amd64, linux/arm64: every kind of node that a cluster may have. Not only those of today: nodes of another kind
 * could run nothing until the next release.
 */
const PLATFORMS = [...new Set(Object.values(INSTANCE_TYPES).map(({ architecture }) => `linux/${architecture}`))].sort();

/** A password for ECR, valid for twelve hours. */
async function passwordOf({ region }: Registry): Promise<string> {
  const password = await callProgram('aws', ['ecr', 'get-login-password', '--region', region], {
    next: 'the role that calls must be allowed to push; see docs/guides/aws.md',
  });
  return password.trim();
}

async function logIn(host: string, password: string): Promise<void> {
  await callProgram('docker', ['login', '--username', USERNAME, '--password-stdin', host], {
    input: password,
    next: 'is the Docker engine running?',
  });
}

/** The digest of a tag; undefined where the registry has no such tag. Throws CommandError where it does not say. */
async function digestInRegistry(
  name: string,
  tag: string,
  { accountId, region }: Registry,
): Promise<string | undefined> {
  const place = ['--registry-id', accountId, '--region', region, '--repository-name', name];
  const query = ['--query', 'imageDetails[0].imageDigest', '--output', 'text'];
  try {
    const args = ['ecr', 'describe-images', ...place, '--image-ids', `imageTag=${tag}`, ...query];
    return (await callProgram('aws', args)).trim();
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    if (error.stderr.includes('ImageNotFoundException')) return undefined;
    throw new CommandError(
      error.message,
      'is the registry applied (`make apply STACK=registry`), and do the credentials belong to its account?',
    );
  }
}
