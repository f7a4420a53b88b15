import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  createReadStream,
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
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CommandError } from '@gitops/report/errors';
import type { Progress } from '@gitops/report/progress';
import { run, RunError } from './run.ts';

/**
 * The Kubernetes release that go.mod pins; the binaries must carry it, since Argo CD hands it to Helm as
 * --kube-version.
 */
export const KUBERNETES_VERSION = 'v1.36.3';
/** The release of Argo CD that go.mod pins; clusters run the same. */
export const ARGOCD_VERSION = '3.5.7';
const LOWEST_GO = [1, 26] as const;

interface Build {
  /** The folder of its go.mod, below go/. */
  readonly module: string;
  /** The programs, by the package that holds their main. */
  readonly packages: Readonly<Record<string, string>>;
  readonly linkerFlags: readonly string[];
  /** Files of our own that go into it, below the module's folder. */
  readonly sources: readonly string[];
  /** How long it takes on two cores the first time. */
  readonly minutes: number;
}

const kubernetesFlags = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((path) => {
  const [major = '', minor = ''] = KUBERNETES_VERSION.slice(1).split('.');
  return [
    `-X ${path}.gitVersion=${KUBERNETES_VERSION}`,
    `-X ${path}.gitMajor=${major}`,
    `-X ${path}.gitMinor=${minor}`,
    `-X ${path}.gitTreeState=clean`,
  ];
});
const stackFlags = [
  '-s',
  '-w',
  ...kubernetesFlags,
  `-X github.com/argoproj/argo-cd/v3/common.version=${ARGOCD_VERSION}`,
];

/** What is built together and kept together: a change of one leaves the programs of the others as they are. */
const BUILDS = {
  /** What a cluster runs, and what people talk to it with. */
  stack: {
    module: '.',
    packages: {
      'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
      'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
      'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
      kubectl: 'k8s.io/kubernetes/cmd/kubectl',
      etcd: 'go.etcd.io/etcd/server/v3',
      kwok: 'sigs.k8s.io/kwok/cmd/kwok',
      kwokctl: 'sigs.k8s.io/kwok/cmd/kwokctl',
      helm: 'helm.sh/helm/v4/cmd/helm',
      argocd: 'github.com/argoproj/argo-cd/v3/cmd',
    },
    linkerFlags: stackFlags,
    sources: [],
    minutes: 6,
  },
  /** Our own small programs over the same modules. */
  own: {
    module: '.',
    packages: {
      redis: 'gitops-platform/tools/redis',
      'argocd-render': 'gitops-platform/tools/render',
      'helm-definitions': 'gitops-platform/tools/definitions',
    },
    linkerFlags: stackFlags,
    sources: ['redis/main.go', 'render/main.go', 'definitions/main.go'],
    minutes: 1,
  },
  /** What applies the platform. `dev=no`: a release says so of itself. */
  opentofu: {
    module: 'opentofu',
    packages: { tofu: 'github.com/opentofu/opentofu/cmd/tofu' },
    linkerFlags: ['-s', '-w', '-X github.com/opentofu/opentofu/version.dev=no'],
    sources: [],
    minutes: 3,
  },
  /** An S3 server over a folder, for tests of state in a bucket. */
  s3: {
    module: 'versitygw',
    packages: { versitygw: 'github.com/versity/versitygw/cmd/versitygw' },
    linkerFlags: ['-s', '-w'],
    sources: [],
    minutes: 1,
  },
} as const satisfies Readonly<Record<string, Build>>;

export type BuildName = keyof typeof BUILDS;
export const ALL_BUILDS = Object.keys(BUILDS) as BuildName[];

/** What `make up` needs. */
const LOCAL_MACHINE: readonly BuildName[] = ['stack', 'own'];

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

const goFolder = resolve(import.meta.dirname, '../go');

/**
 * The folder in which all clones of a user share built programs: $XDG_CACHE_HOME, or what the system uses in its place.
 */
export function cacheFolder(): string {
  const base =
    process.env.XDG_CACHE_HOME ??
    (process.platform === 'darwin' ? join(homedir(), 'Library/Caches') : join(homedir(), '.cache'));
  return join(base, 'gitops-platform');
}

/**
 * The version of the Go toolchain on the PATH, as `go1.26.8`.
 * Throws CommandError where there is none or an older one than go.mod needs.
 */
export async function goVersion(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const next = `install Go ${LOWEST_GO.join('.')} or newer (https://go.dev/dl) and run \`make up\` again`;
  const version = await run('go', ['env', 'GOVERSION'], { env: { ...env, GOTOOLCHAIN: 'local' }, cwd: '/' }).catch(
    (error: unknown) => {
      if (error instanceof RunError && error.code === null)
        throw new CommandError("Go is needed and no 'go' is on the PATH", next);
      throw error;
    },
  );
  const [major = 0, minor = 0] = version
    .trim()
    .replace(/^go/, '')
    .split('.')
    .map((part) => parseInt(part, 10));
  if (major < LOWEST_GO[0] || (major === LOWEST_GO[0] && minor < LOWEST_GO[1])) {
    throw new CommandError(`Go ${LOWEST_GO.join('.')} or newer is needed, and ${version.trim()} was found`, next);
  }
  return version.trim();
}

function buildKey(goVersion: string, { module, packages, linkerFlags, sources }: Build): string {
  const hash = createHash('sha256').update(
    JSON.stringify([goVersion, process.platform, process.arch, linkerFlags, packages]),
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

/** SHA-256 of a file, in hex. */
export async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
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
 * go.sum.
 * @param options.verify also compare each program with its checksum, and build anew what differs
 * @param options.builds which of them; those of the local machine where left out Throws CommandError for a missing or
 *   old Go, a failed download, a module whose checksum is wrong and a failed build; what was built before stays, and
 *   nothing half-built is ever found under its final name.
 */
export async function ensureTools(
  progress: Progress,
  { verify, builds = LOCAL_MACHINE }: { verify: boolean; builds?: readonly BuildName[] },
): Promise<Tools> {
  const version = await goVersion();
  const built: Built[] = [];
  for (const name of builds) built.push(await ensureBuild(name, version, progress, verify));
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

async function ensureBuild(name: BuildName, version: string, progress: Progress, verify: boolean): Promise<Built> {
  const build: Build = BUILDS[name];
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
    for (const program of damaged) progress.note(`${program} in ${bin} differs from its checksum; it is built anew`);
    missing.push(...damaged);
  }
  if (missing.length > 0) await make(build, missing, folder, progress);
  if (name === 'stack') await copyFromModule(folder);
  return { key, folder, checksums: readChecksums(folder), made: missing.length };
}

/** One folder for a PATH, with a link to each program. Made anew where a link leads nowhere, and put in place whole. */
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

async function go(module: string, args: readonly string[], onErrorLine?: (line: string) => void): Promise<string> {
  try {
    return await run('go', args, {
      cwd: join(goFolder, module),
      env: {
        ...process.env,
        CGO_ENABLED: '0',
        GOTOOLCHAIN: 'local',
        GOWORK: 'off',
        GOFLAGS: '-mod=readonly -trimpath -buildvcs=false',
      },
      ...(onErrorLine === undefined ? {} : { onErrorLine }),
    });
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    throw explainGoFailure(error.stderr);
  }
}

/** What a failed go command means, in words that say what to do next. */
export function explainGoFailure(stderr: string): CommandError {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const mismatch = lines.find((line) => line.includes('checksum mismatch'));
  if (mismatch !== undefined) {
    return new CommandError(
      `the checksum of a Go module is wrong: ${mismatch}`,
      'nothing of it was built; clear the module cache (`go clean -modcache`), look at GOPROXY (`go env GOPROXY`) and run `make up` again',
    );
  }
  const download = lines.find((line) =>
    /dial tcp|no such host|connection refused|TLS handshake|i\/o timeout|proxyconnect|40[34] |410 Gone|50[0234] |module lookup disabled/.test(
      line,
    ),
  );
  if (download !== undefined) {
    return new CommandError(
      `a Go module could not be downloaded: ${download}`,
      'what arrived is kept; check the network and GOPROXY (`go env GOPROXY`) and run `make up` again',
    );
  }
  const space = lines.find((line) => line.includes('no space left'));
  if (space !== undefined)
    return new CommandError(`the disk is full: ${space}`, 'free about 12 GB for Go and run `make up` again');
  return new CommandError(
    `the tools could not be built: ${lines
      .filter((line) => !line.startsWith('go: downloading'))
      .slice(-3)
      .join(' / ')}`,
    'run `make up` again; what was compiled is kept',
  );
}

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
  const all = new Set((await go(build.module, ['list', '-deps', ...packages], countDownload)).trim().split('\n'));

  // Beside the final folder, so that a rename within one file system puts each program in place whole.
  const scratch = mkdtempSync(join(folder, 'building-'));
  try {
    let compiled = 0;
    await go(
      build.module,
      ['build', '-v', `-ldflags=${build.linkerFlags.join(' ')}`, '-o', `${scratch}/`, ...packages],
      (line) => {
        countDownload(line);
        if (!all.has(line)) return;
        compiled += 1;
        progress.detail(`compiling ${compiled} of at most ${all.size} packages, now ${projectOf(line)} (${line})`);
      },
    );
    const checksums = readChecksums(folder);
    for (const name of names) {
      const built = join(scratch, builtName(build.packages[name] ?? ''));
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
  };
  return Object.entries(projects).find(([prefix]) => packagePath.startsWith(prefix))?.[1] ?? 'shared libraries';
}

/** Keeps what Argo CD needs beside its program, so that Go's module cache may be emptied later. */
async function copyFromModule(folder: string): Promise<void> {
  const wrapper = join(folder, 'bin/git-verify-wrapper.sh');
  const manifests = join(folder, 'argo-cd/manifests');
  if (existsSync(wrapper) && existsSync(manifests)) return;
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
