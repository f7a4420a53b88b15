import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError } from '@gitops/report/errors';
import { FIRST_SERVICE, serviceFolder } from '@gitops/settings/services';
import { run, RunError } from '@gitops/tools/run';
import { assemble } from './assemble.ts';
import { type DockerfileImage, readDockerfile } from './dockerfile.ts';
import { type Origin, readOrigin } from './origin.ts';

/** Where the Dockerfile's first stage puts the bundle. */
const BUNDLE_IN_STAGE = '/workspace/service/dist';

/**
 * What the Dockerfile says of a service's image.
 * @param args build arguments beside those that name the service
 */
export function readServiceDockerfile(
  root: string,
  service: string = FIRST_SERVICE,
  args: Readonly<Record<string, string>> = {},
): DockerfileImage {
  const text = readFileSync(join(root, 'service/Dockerfile'), 'utf8');
  return readDockerfile(text, { ...serviceArguments(root, service), ...args });
}

/** The build arguments of the Dockerfile that say which service is built. */
export function serviceArguments(root: string, service: string): Record<string, string> {
  const folder = serviceFolder(service);
  const { description } = packageOf(root, service);
  return { SERVICE: folder, NAME: service, ...(description === undefined ? {} : { DESCRIPTION: description }) };
}

/** What the package.json of a service says. Throws CommandError where there is none. */
function packageOf(root: string, service: string): { version: string; description?: string } {
  const file = `${serviceFolder(service)}/package.json`;
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')) as { version: string; description?: string };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new CommandError(
      `${file} is missing, so that ${service} cannot be built here`,
      'give its image by TAG and DIGEST',
    );
  }
}

/** How the image of a service is built. */
export interface ServiceBuild {
  /** The service, by the name of its Application; the first one by default. */
  readonly service?: string;
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

/** A service's image in a registry. */
export interface ServiceImage extends Origin {
  /** registry/name:tag@digest */
  readonly reference: string;
  readonly tag: string;
  readonly digest: string;
  /** What it was built for. */
  readonly platforms: readonly string[];
  /** The base image, name@digest. */
  readonly base: string | undefined;
  readonly seconds: { readonly bundle: number; readonly assemble: number; readonly push: number };
}

/**
 * Builds the image of a service without a daemon, from the work tree as it is, and pushes it. The same commit gives the
 * same image.
 * Throws CommandError when the bundle cannot be built, and as `assemble` does; nothing is pushed or tagged then.
 */
export async function buildServiceImage(root: string, build: ServiceBuild): Promise<ServiceImage> {
  const { service = FIRST_SERVICE } = build;
  const { inputs } = readServiceDockerfile(root, service);
  const origin = await readOrigin(root, inputs);
  const start = Date.now();
  build.onPart?.('bundle');
  let tag = build.tag ?? defaultTag(root, origin.commit, service);
  let bundle = await makeBundle(root, { service, version: tag, commit: origin.commit });
  try {
    if (build.tag === undefined && origin.commit.endsWith('-dirty')) {
      // The tag follows from the bundle, and the bundle names it: the check after a release compares the two.
      tag = `${tag}-${hashOf(bundle)}`;
      rmSync(bundle, { recursive: true, force: true });
      bundle = await makeBundle(root, { service, version: tag, commit: origin.commit });
    }
    const bundled = (Date.now() - start) / 1000;
    build.onPart?.('image');
    const args = { VERSION: tag, COMMIT: origin.commit, CREATED: origin.created, SOURCE: origin.source ?? '' };
    const described = readServiceDockerfile(root, service, args);
    const pushed = await assemble(build.bin, {
      name: `${build.registry}/${service}`,
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
    const { platforms } = build;
    return { ...origin, reference, tag, digest, platforms, base, seconds: { bundle: bundled, ...seconds } };
  } finally {
    rmSync(bundle, { recursive: true, force: true });
  }
}

/**
 * The tag of an image that nobody named: the version in the service's package.json and the commit. A hash of the bundle follows
 * where the work tree has changes, so that each content has a tag of its own.
 */
export function defaultTag(root: string, commit: string, service: string = FIRST_SERVICE): string {
  return `${packageOf(root, service).version}-${commit.slice(0, 7)}`;
}

function inBundle(bundle: string, from: string): string {
  if (from === BUNDLE_IN_STAGE) return bundle;
  throw new Error(`service/Dockerfile copies ${from}, and only ${BUNDLE_IN_STAGE} can be had without a daemon`);
}

interface Bundle {
  readonly service: string;
  readonly version: string;
  readonly commit: string;
}

/** Bundles a service into a folder of its own. */
async function makeBundle(root: string, { service, version, commit }: Bundle): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'bundle-'));
  try {
    const env = { ...process.env, VERSION: version, COMMIT: commit, SERVICE: serviceFolder(service) };
    await run(process.execPath, [join(root, 'service/build.ts'), folder], { env });
    return folder;
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    if (!(error instanceof RunError)) throw error;
    throw new CommandError(
      [
        service === FIRST_SERVICE ? 'the service does not build' : `${service} does not build`,
        ...errorsOf(error.stderr),
      ],
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
