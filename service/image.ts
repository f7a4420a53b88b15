// Builds the image of a service; --help tells how. Progress goes to standard error, the image's reference to standard output.
// The same commit gives the same image: all that changes from build to build is passed in, and comes from the commit.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { tagProblem } from '@gitops/delivery/image-file';
import { thisPlatform } from '@gitops/images/node-base';
import { type Origin, readOrigin } from '@gitops/images/origin';
import { buildServiceImage, defaultTag, readServiceDockerfile, serviceArguments } from '@gitops/images/service-image';
import { CommandError, reportFailure } from '@gitops/report/errors';
import { progressTo } from '@gitops/report/progress';
import { FIRST_SERVICE, serviceNames } from '@gitops/settings/services';
import { ensureTools } from '@gitops/tools/tools';

const HELP = `Usage: node image.ts [OPTIONS]

The image is assembled without a daemon and pushed, unless --docker is given.

  --service NAME    the service (default: ${FIRST_SERVICE})
  --tag TAG         the image's tag and version (default: the version in package.json and the commit)
  --also TAG        another tag for the same image; may be repeated
  --registry R      where the image belongs, for instance registry.example.com/team
  --push            push it there; prints the digest too
  --platform P      for instance linux/amd64,linux/arm64 (default: that of this machine)
  --docker          build it with Docker and the Dockerfile; without --push it stays in Docker
  --json            prints {reference, tag, digest, platforms, commit, created}
  --help            this text

Environment:
  RUNTIME_IMAGE     the base image, name@sha256:… (default: that of the Dockerfile, whose tag may move)
  BUILD_IMAGE       the image that Docker builds in
  SOURCE_DATE_EPOCH the time of the image (default: the commit's)
  REGISTRY_USERNAME, REGISTRY_PASSWORD
                    the account at the registry (default: where \`docker login\` keeps it)`;

// A host, perhaps with a port, and lower-case folders; the registry checks the finer points.
const REGISTRY = /^[a-z0-9][a-z0-9.-]*(:[0-9]+)?(\/[a-z0-9][a-z0-9._-]*)*$/;
const root = join(import.meta.dirname, '..');

/** Why Docker cannot build an image on this machine, or undefined where it can. */
export function dockerProblem(): { message: string; next: string } | undefined {
  const succeeds = (...args: string[]): boolean =>
    spawnSync('docker', args, { stdio: 'ignore', timeout: 30_000 }).status === 0;
  if (!succeeds('info'))
    return { message: 'no Docker daemon answers', next: 'start it, and see that `docker info` succeeds' };
  if (!succeeds('buildx', 'version'))
    return {
      message: 'Docker has no buildx',
      next: 'install its plugin docker-buildx, and see that `docker buildx version` succeeds',
    };
  return undefined;
}

interface Options {
  readonly service: string;
  readonly tag?: string | undefined;
  readonly also?: readonly string[] | undefined;
  readonly registry?: string | undefined;
  readonly platform?: string | undefined;
  readonly push: boolean;
  readonly docker: boolean;
}

/** What --json prints; the digest of an image that stays in Docker is unknown. */
interface Built {
  readonly reference: string;
  readonly tag: string;
  readonly digest: string | undefined;
  readonly platforms: readonly string[];
  readonly commit: string;
  readonly created: string;
}

function check({ service, tag, also = [], registry, push, docker }: Options): void {
  const services = serviceNames(root);
  if (!services.includes(service))
    throw new CommandError(`unknown service ${service}`, `--service is one of: ${services.join(', ')}`);
  const tags = also.map((other) => ['--also', other] as const);
  for (const [option, name] of tag === undefined ? tags : [['--tag', tag] as const, ...tags]) {
    const rule = tagProblem(name);
    if (rule !== undefined) throw new CommandError(`${option} ${rule}`, 'for instance --tag 0.2.0');
  }
  const example = 'for instance --registry registry.example.com/team';
  if (registry !== undefined && !REGISTRY.test(registry))
    throw new CommandError(`--registry ${JSON.stringify(registry)} is none`, example);
  if (push && registry === undefined) throw new CommandError('--push needs --registry', example);
  if (!push && !docker)
    throw new CommandError(
      'without --docker there is no place for the image but a registry',
      'add --push --registry …, or --docker to keep it in Docker',
    );
}

async function assemble({ service, tag, also = [], registry = '', platform }: Options): Promise<Built> {
  const progress = progressTo();
  const { bin } = await ensureTools({ ...progress, note: () => undefined }, { verify: false, builds: ['images'] });
  const { RUNTIME_IMAGE } = process.env;
  const { reference, digest, platforms, commit, created, base, ...image } = await buildServiceImage(root, {
    ...{ service, bin, registry, tag, also },
    base: RUNTIME_IMAGE === '' ? undefined : RUNTIME_IMAGE,
    platforms: platformsOf(platform),
  });
  progress.done(`pushed ${reference}, based on ${base ?? 'an OCI layout'}`);
  return { reference, tag: image.tag, digest, platforms, commit, created };
}

const platformsOf = (option: string | undefined): readonly string[] => option?.split(',') ?? [thisPlatform];

async function buildWithDocker(options: Options): Promise<Built> {
  const origin = await readOrigin(root, readServiceDockerfile(root, options.service).inputs);
  const { commit, created } = origin;
  const tag = options.tag ?? defaultTag(root, commit, options.service) + (commit.endsWith('-dirty') ? '-dirty' : '');
  const problem = dockerProblem();
  if (problem !== undefined) throw new CommandError(problem.message, problem.next);
  const referenceOf = (name: string): string =>
    `${options.registry === undefined ? '' : `${options.registry}/`}${options.service}:${name}`;
  const reference = referenceOf(tag);
  const digest = buildx(
    options,
    [reference, ...(options.also ?? []).map(referenceOf)],
    buildArguments(options.service, tag, origin),
  );
  const pulled = digest === undefined ? reference : `${reference}@${digest}`;
  return { reference: pulled, tag, digest, platforms: platformsOf(options.platform), commit, created };
}

function buildArguments(
  service: string,
  tag: string,
  { commit, created, source }: Origin,
): Record<string, string | undefined> {
  const { BUILD_IMAGE, RUNTIME_IMAGE } = process.env;
  return {
    ...serviceArguments(root, service),
    VERSION: tag,
    COMMIT: commit,
    CREATED: created,
    SOURCE: source,
    SOURCE_DATE_EPOCH: String(Date.parse(created) / 1000),
    BUILD_IMAGE,
    RUNTIME_IMAGE,
  };
}

/** Runs the build; gives the digest of an image that was pushed. */
function buildx(
  { platform, push }: Options,
  references: readonly string[],
  buildArgs: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'image-'));
  try {
    const metadata = join(folder, 'metadata.json');
    const given = Object.entries(buildArgs).flatMap(([name, value]) =>
      value === undefined || value === '' ? [] : ['--build-arg', `${name}=${value}`],
    );
    // A statement of provenance holds the time of the build, and would change the digest each time.
    const args = [
      'buildx',
      'build',
      '--file',
      'service/Dockerfile',
      ...references.flatMap((reference) => ['--tag', reference]),
      '--metadata-file',
      metadata,
      '--provenance=false',
      push ? '--push' : '--load',
      ...(platform === undefined ? [] : ['--platform', platform]),
      ...given,
      '.',
    ];
    const { status } = spawnSync('docker', args, { cwd: root, stdio: ['ignore', 2, 2] });
    if (status !== 0) throw new CommandError('docker could not build the image', 'its last lines above say why');
    return push
      ? (JSON.parse(readFileSync(metadata, 'utf8')) as { 'containerimage.digest'?: string })['containerimage.digest']
      : undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readOptions() {
  try {
    const string = { type: 'string' } as const;
    const flag = { type: 'boolean', default: false } as const;
    return parseArgs({
      options: {
        service: { ...string, default: FIRST_SERVICE },
        tag: string,
        also: { ...string, multiple: true },
        registry: string,
        platform: string,
        push: flag,
        docker: flag,
        json: flag,
        help: flag,
      },
    }).values;
  } catch (error) {
    throw new CommandError((error as Error).message, 'node image.ts --help lists the options');
  }
}

async function main(): Promise<void> {
  const { help, json, ...options } = readOptions();
  if (help) {
    console.log(HELP);
    return;
  }
  check(options);
  const image = await (options.docker ? buildWithDocker(options) : assemble(options));
  console.log(json ? JSON.stringify(image) : image.reference);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    process.exitCode = reportFailure(error, 'run it again; --help lists the options');
  }
}
