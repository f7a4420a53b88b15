import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '@gitops/report/errors';
import type { Progress } from '@gitops/report/progress';
import { type Build, type BuildName, BUILDS, LOCAL_MACHINE } from './builds.ts';
import { cacheFolder } from './cache.ts';
import { withGenerated } from './generated.ts';
import { go, goFolder, goVersion } from './go.ts';
import { run } from './run.ts';
import { sha256 } from './sha256.ts';

export {
  ALL_BUILDS,
  ARGOCD_VERSION,
  KUBERNETES_VERSION,
  LOCAL_MACHINE,
  MONITORING,
  PROMETHEUS_VERSION,
} from './builds.ts';
export { cacheFolder } from './cache.ts';

/** The programs of some builds, in one folder for a PATH, and the manifests that Argo CD's module carries. */
export interface Tools {
  /** Folder of the programs, for a PATH; holds git-verify-wrapper.sh as well. */
  readonly bin: string;
  /** Argo CD's own manifests: crds/ and base/, as in its repository. */
  readonly manifests: string;
  /** Hash of everything that the programs depend on. */
  readonly key: string;
  /** SHA-256 of each program, as written down when it was built. */
  readonly checksums: Readonly<Record<string, string>>;
}

function buildKey(goVersion: string, { module, packages, linkerFlags, tags, generated, sources }: Build): string {
  const optional = [tags, generated].filter((value) => value !== undefined);
  const hash = createHash('sha256').update(
    JSON.stringify([goVersion, process.platform, process.arch, linkerFlags, packages, ...optional]),
  );
  for (const file of ['go.mod', 'go.sum', ...sources]) hash.update(readFileSync(join(goFolder, module, file)));
  return hash.digest('hex').slice(0, 16);
}

function readChecksums(folder: string): Record<string, string> {
  const file = join(folder, 'checksums.json');
  try {
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>) : {};
  } catch {
    return {};
  }
}

/** Which of the programs are not as they were built: missing, or with another checksum than the one written down. */
export async function damagedTools(
  tools: Pick<Tools, 'bin' | 'checksums'>,
  names: readonly string[] = Object.keys(tools.checksums),
): Promise<string[]> {
  const damaged: string[] = [];
  for (const name of names) {
    const file = join(tools.bin, name);
    if (!existsSync(file) || (await sha256(file)) !== tools.checksums[name]) damaged.push(name);
  }
  return damaged;
}

/**
 * Programs of the pinned modules, built where the user's cache folder lacks them. Go verifies every module against
 * go.sum. Needs no Go where all of them are there.
 * @param options.verify also compare each program with its checksum, and rebuild what differs
 * @param options.builds which of them; those of the local machine where left out
 *
 * Throws CommandError for a missing or old Go, a failed download, a module whose checksum is wrong and a failed build;
 * what was built before stays, and nothing half-built is ever found under its final name.
 */
export async function ensureTools(
  progress: Progress,
  { verify, builds = LOCAL_MACHINE }: { verify: boolean; builds?: readonly BuildName[] },
): Promise<Tools> {
  const toolchain = await goVersion().catch((error: unknown) => {
    if (error instanceof CommandError) return error;
    throw error;
  });
  const built: Built[] = [];
  for (const name of builds) built.push(await ensureBuild(name, toolchain, progress, verify));
  const checksums = Object.assign({}, ...built.map((each) => each.checksums)) as Record<string, string>;
  const key = createHash('sha256')
    .update(JSON.stringify(built.map((each) => each.key)))
    .digest('hex')
    .slice(0, 16);
  const bin = join(cacheFolder(), `bin-${key}`);
  linkPrograms(bin, built);
  const total = Object.keys(checksums).length;
  progress.note(`tools: ${total - built.reduce((sum, { made }) => sum + made, 0)} of ${total} were cached (${bin})`);
  return { bin, manifests: join(built[0]?.folder ?? '', 'argo-cd/manifests'), key, checksums };
}

interface Built {
  readonly key: string;
  readonly folder: string;
  readonly checksums: Record<string, string>;
  /** How many programs had to be built. */
  readonly made: number;
}

/** @param toolchain the version of Go, or why there is none to build with */
async function ensureBuild(
  name: BuildName,
  toolchain: string | CommandError,
  progress: Progress,
  verify: boolean,
): Promise<Built> {
  const build: Build = BUILDS[name];
  const version = toolchain instanceof CommandError ? versionInCache(name, build) : toolchain;
  if (version === undefined) throw toolchain as CommandError;
  const key = buildKey(version, build);
  const folder = join(cacheFolder(), `${name}-${key}`);
  const bin = join(folder, 'bin');
  const missing = Object.keys(build.packages).filter(
    (program) => readChecksums(folder)[program] === undefined || !existsSync(join(bin, program)),
  );
  if (verify) {
    const damaged = await damagedTools(
      { bin, checksums: readChecksums(folder) },
      Object.keys(build.packages).filter((program) => !missing.includes(program)),
    );
    for (const program of damaged) progress.note(`${program} in ${bin} differs from its checksum: building it again`);
    missing.push(...damaged);
  }
  const lacksManifests = name === 'stack' && !hasManifests(folder);
  if (toolchain instanceof CommandError && (missing.length > 0 || lacksManifests)) throw toolchain;
  if (missing.length > 0) await make(build, missing, folder, progress);
  if (lacksManifests) await copyFromModule(folder);
  if (!existsSync(join(folder, GO_VERSION))) writeFileSync(join(folder, GO_VERSION), version);
  return { key, folder, checksums: readChecksums(folder), made: missing.length };
}

/** In the folder of a build: the version of Go that it was built with, for machines on which no Go is left to ask. */
const GO_VERSION = 'go-version';

/** The newest version of Go by which a build of exactly these modules, flags and sources is in the cache. */
function versionInCache(name: BuildName, build: Build): string | undefined {
  const folders = existsSync(cacheFolder()) ? readdirSync(cacheFolder()) : [];
  return folders
    .filter((folder) => folder.startsWith(`${name}-`) && existsSync(join(cacheFolder(), folder, GO_VERSION)))
    .map((folder) => ({ folder, version: readFileSync(join(cacheFolder(), folder, GO_VERSION), 'utf8').trim() }))
    .filter(({ folder, version }) => folder === `${name}-${buildKey(version, build)}`)
    .map(({ version }) => version)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1);
}

/** One folder for a PATH, with a link to each program. Recreated where a link is broken, and put in place whole. */
function linkPrograms(bin: string, built: readonly Built[]): void {
  const programs = built.flatMap(({ folder }) =>
    readdirSync(join(folder, 'bin')).map((name) => [name, join(folder, 'bin', name)] as const),
  );
  if (programs.every(([name, target]) => existsSync(join(bin, name)) && readlinkSync(join(bin, name)) === target))
    return;
  const scratch = mkdtempSync(`${bin}-making-`);
  for (const [name, target] of programs) symlinkSync(target, join(scratch, name));
  rmSync(bin, { recursive: true, force: true });
  try {
    renameSync(scratch, bin);
  } catch (error) {
    rmSync(scratch, { recursive: true, force: true });
    // Another run was faster, and its links are the same.
    if (!existsSync(bin)) throw error;
  }
}

// The linker drops debug information (-s -w); not making it saves a fifteenth of the compilers' time.
const COMPILER_FLAGS = '-gcflags=all=-dwarf=false';

async function make(build: Build, names: readonly string[], folder: string, progress: Progress): Promise<void> {
  mkdirSync(join(folder, 'bin'), { recursive: true });
  const packages = names.flatMap((name) => build.packages[name] ?? []);
  progress.start(
    `tools: building ${names.join(', ')} (about ${build.minutes} min on two cores the first time, once for all clones)`,
  );

  let downloaded = 0;
  const countDownload = (line: string): void => {
    if (line.startsWith('go: downloading'))
      progress.detail(`downloading module ${++downloaded}: ${line.split(' ').slice(2).join(' ')}`);
  };

  // Beside the final folder, so that a rename within one file system puts each program in place whole.
  const scratch = mkdtempSync(join(folder, 'building-'));
  const programs = join(scratch, 'bin');
  mkdirSync(programs);
  try {
    const selection = [
      ...(build.tags === undefined ? [] : [`-tags=${build.tags.join(',')}`]),
      ...(build.generated === undefined ? [] : [`-modfile=${await withGenerated(build, scratch, countDownload)}`]),
    ];
    const list = await go(build.module, ['list', ...selection, '-deps', ...packages], countDownload);
    const all = new Set(list.trim().split('\n'));
    const ldflags = `-ldflags=${build.linkerFlags.join(' ')}`;
    let compiled = 0;
    await go(
      build.module,
      ['build', '-v', ...selection, COMPILER_FLAGS, ldflags, '-o', `${programs}/`, ...packages],
      (line) => {
        countDownload(line);
        if (!all.has(line)) return;
        compiled += 1;
        progress.detail(`compiling ${compiled} of at most ${all.size} packages, now ${projectOf(line)} (${line})`);
      },
    );
    const checksums = readChecksums(folder);
    for (const name of names) {
      const built = join(programs, builtName(build.packages[name] ?? ''));
      checksums[name] = await sha256(built);
      renameSync(built, join(folder, 'bin', name));
    }
    writeFileSync(join(scratch, 'checksums.json'), JSON.stringify(checksums, null, 2));
    renameSync(join(scratch, 'checksums.json'), join(folder, 'checksums.json'));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  progress.done(`tools: built ${names.join(', ')}`);
}

/** The name that `go build -o folder/` gives a package's program: its last element that is not a major version. */
function builtName(packagePath: string): string {
  return (
    packagePath
      .split('/')
      .filter((part) => !/^v\d+$/.test(part))
      .at(-1) ?? packagePath
  );
}

function projectOf(packagePath: string): string {
  const projects: Record<string, string> = {
    'k8s.io/': 'Kubernetes',
    'sigs.k8s.io/kwok': 'KWOK',
    'go.etcd.io/': 'etcd',
    'helm.sh/': 'Helm',
    'github.com/argoproj/': 'Argo CD',
    'github.com/prometheus/prometheus': 'Prometheus',
    'github.com/prometheus/alertmanager': 'Alertmanager',
  };
  return Object.entries(projects).find(([prefix]) => packagePath.startsWith(prefix))?.[1] ?? 'shared libraries';
}

const copiesIn = (folder: string): { readonly wrapper: string; readonly manifests: string } => ({
  wrapper: join(folder, 'bin/git-verify-wrapper.sh'),
  manifests: join(folder, 'argo-cd/manifests'),
});
const hasManifests = (folder: string): boolean => Object.values(copiesIn(folder)).every((path) => existsSync(path));

/** Keeps what Argo CD needs beside its program, so that Go's module cache may be emptied later. */
async function copyFromModule(folder: string): Promise<void> {
  const { wrapper, manifests } = copiesIn(folder);
  const module = (await go('.', ['list', '-m', '-f', '{{.Dir}}', 'github.com/argoproj/argo-cd/v3'])).trim();
  const fresh = `${manifests}.${process.pid}`;
  for (const part of ['crds', 'base']) cpSync(join(module, 'manifests', part), join(fresh, part), { recursive: true });
  // The module cache is read-only, and so are copies of it.
  await run('chmod', ['-R', 'u+w', fresh]);
  rmSync(manifests, { recursive: true, force: true });
  renameSync(fresh, manifests);
  // repo-server always runs this script, and the module holds it without its run bit.
  copyFileSync(join(module, 'hack/git-verify-wrapper.sh'), `${wrapper}.new`);
  chmodSync(`${wrapper}.new`, 0o755);
  renameSync(`${wrapper}.new`, wrapper);
}
