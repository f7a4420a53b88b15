// Builds the service's image with Docker; --help tells how. Progress goes to standard error, the image's reference to
// standard output. The same commit gives the same image: all that changes from build to build is passed in, and comes
// from the commit.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { tagProblem } from '@gitops/delivery/image-file';

const HELP = `Usage: node image.ts [OPTIONS]

  --tag TAG         the image's tag and version (default: the commit, with -dirty where the work tree has changes)
  --also TAG        another tag for the same image; may be repeated
  --registry R      where the image belongs, for instance registry.example.com/team
  --push            push it there; prints the digest too
  --platform P      for instance linux/amd64,linux/arm64 (more than one needs --push)
  --json            prints {reference, tag, digest, commit, created}
  --help            this text

Environment: BUILD_IMAGE and RUNTIME_IMAGE, the base images with their digests; SOURCE_DATE_EPOCH (default: the commit's time).`;

const NAME = 'fastify-service';
// A host, perhaps with a port, and lower-case folders; Docker checks the finer points.
const REGISTRY = /^[a-z0-9][a-z0-9.-]*(:[0-9]+)?(\/[a-z0-9][a-z0-9._-]*)*$/;
const root = join(import.meta.dirname, '..');

/** Something that the person at the keyboard can do something about. */
class ImageError extends Error {
  readonly next: string;

  constructor(message: string, next: string) {
    super(message);
    this.name = 'ImageError';
    this.next = next;
  }
}

/** Why no image can be built on this machine, or undefined where one can. */
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

function git(...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  if (status !== 0)
    throw new ImageError(
      `git ${args.join(' ')}: ${error?.message ?? stderr.trim()}`,
      'build from a clone of the repository',
    );
  return stdout.trim();
}

/** What the image says of its origin. */
function origin(): { commit: string; epoch: string; source: string | undefined } {
  const dirty = git('status', '--porcelain') === '' ? '' : '-dirty';
  const epoch = process.env.SOURCE_DATE_EPOCH ?? git('show', '--no-patch', '--format=%ct', 'HEAD');
  if (!/^[0-9]{1,11}$/.test(epoch))
    throw new ImageError(
      `SOURCE_DATE_EPOCH must be a number of seconds; it is ${JSON.stringify(epoch)}`,
      'unset it for the time of the commit',
    );
  return {
    commit: git('rev-parse', 'HEAD') + dirty,
    epoch,
    source: sourceURL(git('config', '--default', '', '--get', 'remote.origin.url')),
  };
}

/**
 * A remote's address as a label may show it: an address of the web, without the name and password that CI may have put
 * there.
 */
export function sourceURL(remote: string): string | undefined {
  const url = URL.parse(remote);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return undefined;
  url.username = url.password = url.search = url.hash = '';
  return url.href.replace(/\.git$/, '');
}

interface Options {
  readonly tag?: string | undefined;
  readonly also?: readonly string[] | undefined;
  readonly registry?: string | undefined;
  readonly platform?: string | undefined;
  readonly push: boolean;
}

function check({ also = [], registry, push }: Options, tag: string): void {
  for (const [option, name] of [['--tag', tag], ...also.map((other) => ['--also', other] as const)] as const) {
    const rule = tagProblem(name);
    if (rule !== undefined) throw new ImageError(`${option} ${rule}`, 'for instance --tag 0.2.0');
  }
  if (registry !== undefined && !REGISTRY.test(registry))
    throw new ImageError(
      `--registry ${JSON.stringify(registry)} is none`,
      'for instance --registry registry.example.com/team',
    );
  if (push && registry === undefined)
    throw new ImageError('--push needs --registry', 'for instance --registry registry.example.com/team');
}

function build(options: Options) {
  const { commit, epoch, source } = origin();
  const tag = options.tag ?? commit.replace(/^(.{12})[0-9a-f]*/, '$1');
  check(options, tag);
  const problem = dockerProblem();
  if (problem !== undefined) throw new ImageError(problem.message, problem.next);

  const created = new Date(Number(epoch) * 1000).toISOString();
  const { BUILD_IMAGE, RUNTIME_IMAGE } = process.env;
  const args = {
    VERSION: tag,
    COMMIT: commit,
    CREATED: created,
    SOURCE: source,
    SOURCE_DATE_EPOCH: epoch,
    BUILD_IMAGE,
    RUNTIME_IMAGE,
  };
  const referenceOf = (name: string): string =>
    `${options.registry === undefined ? '' : `${options.registry}/`}${NAME}:${name}`;
  const reference = referenceOf(tag);
  const digest = buildx(options, [reference, ...(options.also ?? []).map(referenceOf)], args);
  return { reference: digest === undefined ? reference : `${reference}@${digest}`, tag, digest, commit, created };
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
    if (status !== 0) throw new ImageError('docker could not build the image', 'its last lines above say why');
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
        tag: string,
        also: { ...string, multiple: true },
        registry: string,
        platform: string,
        push: flag,
        json: flag,
        help: flag,
      },
    }).values;
  } catch (error) {
    throw new ImageError((error as Error).message, 'node image.ts --help lists the options');
  }
}

function main(): void {
  const { help, json, ...options } = readOptions();
  if (help) {
    console.log(HELP);
    return;
  }
  const image = build(options);
  console.log(json ? JSON.stringify(image) : image.reference);
}

if (import.meta.main) {
  try {
    main();
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    console.error(`error: ${error.message}\n next: ${error.next}`);
    process.exitCode = 1;
  }
}
