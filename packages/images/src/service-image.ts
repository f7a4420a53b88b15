import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError } from '@gitops/report/errors';
import { run, RunError } from '@gitops/tools/run';
import { assemble } from './assemble.ts';
import { type DockerfileImage, readDockerfile } from './dockerfile.ts';
import { type Origin, readOrigin } from './origin.ts';

/** The name of the service's image in every registry. */
export const SERVICE_IMAGE = 'fastify-service';

/** Where the Dockerfile's first stage puts the bundle. */
const BUNDLE_IN_STAGE = '/workspace/service/dist';

/** What the Dockerfile says of the service's image. */
export function readServiceDockerfile(root: string, args: Readonly<Record<string, string>> = {}): DockerfileImage {
  return readDockerfile(readFileSync(join(root, 'service/Dockerfile'), 'utf8'), args);
}

/** How the image of the service is built. */
export interface ServiceBuild {
  /** The folder of the programs. */
  readonly bin: string;
  /** The registry in the image's reference, with folders if any. */
  readonly registry: string;
  /** The image's tag and version; see `defaultTag`. */
  readonly tag?: string | undefined;
  /** Further tags, which may move. */
  readonly also?: readonly string[];
  /** name@digest or name:tag; that of the Dockerfile by default. */
  readonly base?: string | undefined;
  readonly platforms: readonly string[];
  /** host:port of registries that are reached by plain HTTP. */
  readonly registries?: Readonly<Record<string, string>>;
  /** Called when a part begins. */
  readonly onPart?: (part: string) => void;
}

/** The service's image in a registry. */
export interface ServiceImage extends Origin {
  /** registry/name:tag@digest */
  readonly reference: string;
  readonly tag: string;
  readonly digest: string;
  /** The base image, name@digest. */
  readonly base: string | undefined;
  readonly seconds: { readonly bundle: number; readonly assemble: number; readonly push: number };
}

/**
 * Builds the image of the service without a daemon, from the work tree as it is, and pushes it. The same commit gives the
 * same image.
 * Throws CommandError when the bundle cannot be built, and as `assemble` does; nothing is pushed or tagged then.
 */
export async function buildServiceImage(root: string, build: ServiceBuild): Promise<ServiceImage> {
  const { inputs } = readServiceDockerfile(root);
  const origin = await readOrigin(root, inputs);
  const start = Date.now();
  build.onPart?.('bundle');
  const version = build.tag ?? defaultTag(root, origin.commit);
  const bundle = await makeBundle(root, { version, commit: origin.commit });
  try {
    const tag = build.tag ?? (origin.commit.endsWith('-dirty') ? `${version}-${hashOf(bundle)}` : version);
    const bundled = (Date.now() - start) / 1000;
    build.onPart?.('image');
    const args = { VERSION: tag, COMMIT: origin.commit, CREATED: origin.created, SOURCE: origin.source ?? '' };
    const described = readServiceDockerfile(root, args);
    const pushed = await assemble(build.bin, {
      name: `${build.registry}/${SERVICE_IMAGE}`,
      tag,
      also: build.also ?? [],
      base: build.base ?? described.base,
      platforms: build.platforms,
      layers: described.copies.map(({ from, to }) => ({ from: inBundle(bundle, from), to })),
      config: described.config,
      created: origin.created,
      registries: build.registries ?? {},
    });
    const { reference, digest, base, seconds } = pushed;
    return { ...origin, reference, tag, digest, base, seconds: { bundle: bundled, ...seconds } };
  } finally {
    rmSync(bundle, { recursive: true, force: true });
  }
}

/**
 * The tag of an image that nobody named: the version in service/package.json and the commit. A hash of the bundle follows
 * where the work tree has changes, so that each content has a tag of its own.
 */
export function defaultTag(root: string, commit: string): string {
  const { version } = JSON.parse(readFileSync(join(root, 'service/package.json'), 'utf8')) as { version: string };
  return `${version}-${commit.slice(0, 7)}`;
}

function inBundle(bundle: string, from: string): string {
  if (from === BUNDLE_IN_STAGE) return bundle;
  throw new Error(`service/Dockerfile copies ${from}, and only ${BUNDLE_IN_STAGE} can be had without a daemon`);
}

/** Bundles the service into a folder of its own. */
async function makeBundle(root: string, { version, commit }: { version: string; commit: string }): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'bundle-'));
  try {
    const env = { ...process.env, VERSION: version, COMMIT: commit };
    await run(process.execPath, [join(root, 'service/build.ts'), folder], { env });
    return folder;
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    if (!(error instanceof RunError)) throw error;
    throw new CommandError(
      ['the service does not build', ...errorsOf(error.stderr)],
      'fix it and run the command again; nothing was pushed',
    );
  }
}

/** The errors that esbuild found, `file:line:column: ERROR: text`; all that was printed where it is something else. */
function errorsOf(stderr: string): string[] {
  const lines = stderr.split('\n').map((line) => line.trim());
  const errors = lines.filter((line) => /^\S+:\d+:\d+: ERROR: /.test(line));
  return errors.length > 0 ? errors : lines.filter((line) => line !== '');
}

/** Eight hex digits of names and contents of all files. */
function hashOf(folder: string): string {
  const hash = createHash('sha256');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const file of files.map((entry) => join(entry.parentPath, entry.name)).sort())
    hash
      .update(`${file.slice(folder.length)}\0`)
      .update(readFileSync(file))
      .update('\0');
  return hash.digest('hex').slice(0, 8);
}
