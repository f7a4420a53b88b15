import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, cpSync, createReadStream, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CommandError } from '@platform/report/errors';
import { run, RunError } from './run.ts';
import type { Progress } from '@platform/report/progress';

/** The Kubernetes release that go.mod pins; the binaries must carry it, since Argo CD hands it to Helm as --kube-version. */
export const KUBERNETES_VERSION = 'v1.36.3';
const ARGOCD_VERSION = '3.5.7';
const LOWEST_GO = [1, 26] as const;

/** Every program that is built, by the package of the pinned module (packages/tools/go/go.mod) that holds its main. */
const TOOL_PACKAGES = {
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
  etcd: 'go.etcd.io/etcd/server/v3',
  kwok: 'sigs.k8s.io/kwok/cmd/kwok',
  kwokctl: 'sigs.k8s.io/kwok/cmd/kwokctl',
  helm: 'helm.sh/helm/v4/cmd/helm',
  argocd: 'github.com/argoproj/argo-cd/v3/cmd',
  redis: 'gitops-platform/tools/redis',
  'argocd-render': 'gitops-platform/tools/render',
} as const;

export type ToolName = keyof typeof TOOL_PACKAGES;
const TOOL_NAMES = Object.keys(TOOL_PACKAGES) as ToolName[];

/** The built programs of one go.mod, and the manifests that Argo CD's module carries. */
export interface Tools {
  /** Folder of the programs, for a PATH; holds git-verify-wrapper.sh as well. */
  readonly bin: string;
  /** Argo CD's own manifests: crds/ and base/, as in its repository. */
  readonly manifests: string;
  /** Hash of everything that the build depends on. */
  readonly key: string;
  /** SHA-256 of each program, as written down when it was built. */
  readonly checksums: Readonly<Record<string, string>>;
}

const moduleFolder = resolve(import.meta.dirname, '../go');

/** The folder in which all clones of a user share built programs: $XDG_CACHE_HOME, or what the system uses in its place. */
export function cacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME ?? (process.platform === 'darwin' ? join(homedir(), 'Library/Caches') : join(homedir(), '.cache'));
  return join(base, 'gitops-platform');
}

/**
 * The version of the Go toolchain on the PATH, as `go1.26.8`.
 * Throws CommandError where there is none or an older one than go.mod needs.
 */
export async function goVersion(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const next = `install Go ${LOWEST_GO.join('.')} or newer (https://go.dev/dl) and run \`make up\` again`;
  const version = await run('go', ['env', 'GOVERSION'], { env: { ...env, GOTOOLCHAIN: 'local' }, cwd: '/' }).catch((error: unknown) => {
    if (error instanceof RunError && error.code === null) throw new CommandError("Go is needed and no 'go' is on the PATH", next);
    throw error;
  });
  const [major = 0, minor = 0] = version.trim().replace(/^go/, '').split('.').map((part) => parseInt(part, 10));
  if (major < LOWEST_GO[0] || (major === LOWEST_GO[0] && minor < LOWEST_GO[1])) {
    throw new CommandError(`Go ${LOWEST_GO.join('.')} or newer is needed, and ${version.trim()} was found`, next);
  }
  return version.trim();
}

const kubernetesFlags = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((path) => {
  const [major = '', minor = ''] = KUBERNETES_VERSION.slice(1).split('.');
  return [`-X ${path}.gitVersion=${KUBERNETES_VERSION}`, `-X ${path}.gitMajor=${major}`, `-X ${path}.gitMinor=${minor}`, `-X ${path}.gitTreeState=clean`];
});
const LINKER_FLAGS = ['-s', '-w', ...kubernetesFlags, `-X github.com/argoproj/argo-cd/v3/common.version=${ARGOCD_VERSION}`].join(' ');

function buildKey(go: string): string {
  const hash = createHash('sha256').update(JSON.stringify([go, process.platform, process.arch, LINKER_FLAGS, TOOL_PACKAGES]));
  for (const file of ['go.mod', 'go.sum', 'redis/main.go', 'render/main.go']) hash.update(readFileSync(join(moduleFolder, file)));
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
export async function damagedTools(tools: Tools, names: readonly string[] = TOOL_NAMES): Promise<string[]> {
  const damaged: string[] = [];
  for (const name of names) {
    const file = join(tools.bin, name);
    if (!existsSync(file) || (await sha256(file)) !== tools.checksums[name]) damaged.push(name);
  }
  return damaged;
}

/**
 * The tools of the pinned module, built where the user's cache folder lacks them. Go verifies every module against go.sum.
 * @param verify also compare each program with its checksum, and build anew what differs
 * Throws CommandError for a missing or old Go, a failed download, a module whose checksum is wrong and a failed build; what was
 * built before stays, and nothing half-built is ever found under its final name.
 */
export async function ensureTools(progress: Progress, options: { verify: boolean }): Promise<Tools> {
  const key = buildKey(await goVersion());
  const folder = join(cacheFolder(), `tools-${key}`);
  const tools = (): Tools => ({ bin: join(folder, 'bin'), manifests: join(folder, 'argo-cd/manifests'), key, checksums: readChecksums(folder) });

  let missing = TOOL_NAMES.filter((name) => tools().checksums[name] === undefined || !existsSync(join(folder, 'bin', name)));
  if (options.verify) {
    const damaged = await damagedTools(tools(), TOOL_NAMES.filter((name) => !missing.includes(name)));
    for (const name of damaged) progress.note(`${name} in ${join(folder, 'bin')} differs from its checksum; it is built anew`);
    missing = [...missing, ...(damaged as ToolName[])];
  }
  if (missing.length > 0) await build(missing, folder, progress);
  await copyFromModule(folder);
  progress.note(`tools: ${TOOL_NAMES.length - missing.length} of ${TOOL_NAMES.length} were cached (${folder})`);
  return tools();
}

async function go(args: readonly string[], onErrorLine?: (line: string) => void): Promise<string> {
  try {
    return await run('go', args, {
      cwd: moduleFolder,
      env: { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOWORK: 'off', GOFLAGS: '-mod=readonly -trimpath -buildvcs=false' },
      ...(onErrorLine === undefined ? {} : { onErrorLine }),
    });
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    throw explainGoFailure(error.stderr);
  }
}

/** What a failed go command means, in words that say what to do next. */
export function explainGoFailure(stderr: string): CommandError {
  const lines = stderr.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  const mismatch = lines.find((line) => line.includes('checksum mismatch'));
  if (mismatch !== undefined) {
    return new CommandError(`the checksum of a Go module is wrong: ${mismatch}`, 'nothing of it was built; clear the module cache (`go clean -modcache`), look at GOPROXY (`go env GOPROXY`) and run `make up` again');
  }
  const download = lines.find((line) => /dial tcp|no such host|connection refused|TLS handshake|i\/o timeout|proxyconnect|40[34] |410 Gone|50[0234] |module lookup disabled/.test(line));
  if (download !== undefined) {
    return new CommandError(`a Go module could not be downloaded: ${download}`, 'what arrived is kept; check the network and GOPROXY (`go env GOPROXY`) and run `make up` again');
  }
  const space = lines.find((line) => line.includes('no space left'));
  if (space !== undefined) return new CommandError(`the disk is full: ${space}`, 'free about 12 GB for Go and run `make up` again');
  return new CommandError(`the tools could not be built: ${lines.filter((line) => !line.startsWith('go: downloading')).slice(-3).join(' / ')}`, 'run `make up` again; what was compiled is kept');
}

async function build(names: readonly ToolName[], folder: string, progress: Progress): Promise<void> {
  mkdirSync(join(folder, 'bin'), { recursive: true });
  const packages = names.map((name) => TOOL_PACKAGES[name]);
  progress.start(`tools: building ${names.join(', ')} (about 6 minutes on two cores the first time, once for all clones)`);

  let downloaded = 0;
  const countDownload = (line: string): void => {
    if (line.startsWith('go: downloading')) progress.detail(`downloading module ${++downloaded}: ${line.split(' ').slice(2).join(' ')}`);
  };
  const all = new Set((await go(['list', '-deps', ...packages], countDownload)).trim().split('\n'));

  // Beside the final folder, so that a rename within one file system puts each program in place whole.
  const scratch = mkdtempSync(join(folder, 'building-'));
  try {
    let compiled = 0;
    await go(['build', '-v', `-ldflags=${LINKER_FLAGS}`, '-o', `${scratch}/`, ...packages], (line) => {
      countDownload(line);
      if (!all.has(line)) return;
      compiled += 1;
      progress.detail(`compiling ${compiled} of at most ${all.size} packages, now ${projectOf(line)} (${line})`);
    });
    const checksums = readChecksums(folder);
    for (const name of names) {
      const built = join(scratch, builtName(TOOL_PACKAGES[name]));
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
  return packagePath.split('/').filter((part) => !/^v\d+$/.test(part)).at(-1) ?? packagePath;
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
  const module = (await go(['list', '-m', '-f', '{{.Dir}}', 'github.com/argoproj/argo-cd/v3'])).trim();
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
