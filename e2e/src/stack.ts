import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  type Application,
  type ArgoClient,
  awaitDelivery,
  clusterEnvironment,
  connectAs,
  type Delivery,
  type Instance,
  kubectl,
  openInstance,
  type Ports,
  rememberedPorts,
  repositoryURL,
} from '@gitops/local';
import { progressTo } from '@gitops/report/progress';
import { run } from '@gitops/tools/run';
import { ensureTools, type Tools } from '@gitops/tools/tools';

/**
 * The drills' own machine: a stack beside the one that `make up` started, so that drills never touch what a person
 * tries out.
 */
export const DRILL_FOLDER = '.local/drills';

/** The program that make runs for `up`, `ship` and their like. */
export const mainProgram = fileURLToPath(import.meta.resolve('@gitops/local/main'));

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The fields of a Deployment that drills look at. */
export interface Deployment {
  readonly metadata: {
    readonly uid: string;
    readonly generation: number;
    readonly labels: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
  readonly spec: {
    readonly replicas: number;
    readonly template: { readonly spec: { readonly containers: { image: string }[] } };
  };
  readonly status: {
    readonly availableReplicas?: number;
    readonly updatedReplicas?: number;
    readonly replicas?: number;
    readonly observedGeneration?: number;
  };
}

export const APP = 'fastify-service';

/** With these kubectl may create and change Applications, which everybody else leaves to Git. */
export const BREAK_GLASS = ['--as=drill', '--as-group=gitops-platform:break-glass'];

/** A command of `make`, run as make runs it, on the instance in a folder. */
export async function command(
  folder: string,
  args: readonly string[],
  variables: Record<string, string> = {},
): Promise<CommandResult> {
  const child = spawn(process.execPath, [mainProgram, ...args], {
    // ARGOCD names a program for the drills that use it.
    env: { ...process.env, ARGOCD: undefined, ...variables, PLATFORM_LOCAL_DIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  return new Promise((done) =>
    child.on('close', (code) => {
      done({ code, stdout, stderr });
    }),
  );
}

/** The same, for a caller that wants it to succeed; throws with its output otherwise. */
export async function succeed(
  folder: string,
  args: readonly string[],
  variables: Record<string, string> = {},
): Promise<string> {
  const result = await command(folder, args, variables);
  if (result.code !== 0)
    throw new Error(`${args.join(' ')} ended with ${String(result.code)}:\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

/** Tries until there is an answer; throws, naming what was waited for, when the time (in milliseconds) is up. */
export async function until<T>(
  what: string,
  attempt: () => Promise<T | undefined>,
  patience = 60_000,
  pause = 100,
): Promise<T> {
  for (const end = Date.now() + patience; Date.now() < end;) {
    const answer = await attempt();
    if (answer !== undefined) return answer;
    await sleep(pause);
  }
  throw new Error(`${what}: not within ${patience / 1000} s`);
}

/** The ports of a stack that was started. */
export function portsOf(instance: Instance): Ports {
  const ports = rememberedPorts(instance);
  if (ports === undefined) throw new Error(`no stack was started in ${instance.dir}`);
  return ports;
}

/** Whether all pods that the Deployment wants run this image and are available, and no others are left. */
export function isRolledOut({ metadata, spec, status }: Deployment, image: string): boolean {
  return (
    spec.template.spec.containers[0]?.image === image &&
    status.observedGeneration === metadata.generation &&
    [status.updatedReplicas, status.availableReplicas, status.replicas].every((count) => count === spec.replicas)
  );
}

/** The running stack, for drills. */
export class Stack {
  readonly instance: Instance;
  readonly ports: Ports;
  readonly tools: Tools;
  readonly platform: ArgoClient;
  readonly onCall: ArgoClient;

  private constructor(instance: Instance, ports: Ports, tools: Tools) {
    this.instance = instance;
    this.ports = ports;
    this.tools = tools;
    this.platform = connectAs(instance, ports, 'platform');
    this.onCall = connectAs(instance, ports, 'on-call');
  }

  static async open(folder = DRILL_FOLDER): Promise<Stack> {
    const instance = openInstance({ dir: folder });
    return new Stack(
      instance,
      portsOf(instance),
      await ensureTools({ ...progressTo(), note: () => undefined }, { verify: false }),
    );
  }

  get gitURL(): string {
    return repositoryURL(this.ports.git);
  }

  /** A command of `make` on this stack. */
  async make(...args: string[]): Promise<CommandResult> {
    return command(this.instance.dir, args);
  }

  async kubectl(...args: string[]): Promise<string> {
    return kubectl(this.instance, this.tools, args);
  }

  /** Creates an object outside of all Applications, with further arguments of kubectl; the caller deletes it. */
  async create(object: object, ...args: string[]): Promise<void> {
    await kubectl(this.instance, this.tools, ['create', '-f', '-', ...args], JSON.stringify(object));
  }

  /** Applies objects that do not come from Git, Argo CD's own among them, which need the rights of break-glass. */
  async applyPastGit(objects: readonly object[]): Promise<void> {
    const groups = ['system:masters', 'gitops-platform:break-glass'].map((group) => `--as-group=${group}`);
    const args = ['apply', '--server-side', '--as=drill', ...groups, '-f', '-'];
    const list = { apiVersion: 'v1', kind: 'List', items: objects };
    await kubectl(this.instance, this.tools, args, JSON.stringify(list));
  }

  /**
   * What the API server says of objects that Argo CD applies, without creating them: unknown fields are errors. Throws
   * with its words where it refuses one.
   */
  async dryRun(objects: readonly object[], namespace: string): Promise<{ stdout: string; stderr: string }> {
    let stderr = '';
    const args = [
      'apply',
      '--server-side',
      '--dry-run=server',
      '--force-conflicts',
      '--field-manager=argocd-controller',
      '--as=system:serviceaccount:argocd:argocd-application-controller',
      '--validate=strict',
      '--namespace',
      namespace,
      '-f',
      '-',
    ];
    const stdout = await run(join(this.tools.bin, 'kubectl'), args, {
      env: clusterEnvironment(this.instance, this.tools),
      input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
      onErrorLine: (line) => (stderr += `${line}\n`),
    });
    return { stdout, stderr };
  }

  async application(name = APP): Promise<Application> {
    return this.platform.application(name);
  }

  async deployment(): Promise<Deployment> {
    return JSON.parse(await this.kubectl('-n', APP, 'get', 'deployment', APP, '-o', 'json')) as Deployment;
  }

  async image(): Promise<string> {
    return (await this.deployment()).spec.template.spec.containers[0]?.image ?? '';
  }

  async isRolledOut(image: string): Promise<boolean> {
    return isRolledOut(await this.deployment(), image);
  }

  /** Sets a new image by `make ship` and gives the reference that the pods must then have. */
  async ship(tag: string): Promise<string> {
    await succeed(this.instance.dir, ['ship', '--tag', tag]);
    const { digest } = JSON.parse(await succeed(this.instance.dir, ['image', '--json'])) as { digest: string };
    return `registry.internal/${APP}:${tag}@${digest}`;
  }

  /**
   * What a developer or platform engineer does: clone, edit, commit, push, with plain git.
   * @param edit gets each file's text by path and gives the new text, or undefined to delete the file
   * @param to.branch created where it is missing
   * @param to.url of the repository, or its folder
   * @returns also when `git push` began, as performance.now()
   */
  async push(
    message: string,
    edit: Record<string, (text: string) => string | undefined>,
    { branch = 'main', url = this.gitURL }: { branch?: string; url?: string } = {},
  ): Promise<{ commit: string; parent: string; files: string[]; pushedAt: number }> {
    const folder = mkdtempSync(join(tmpdir(), 'drill-'));
    const git = async (...args: string[]): Promise<string> =>
      (await run('git', ['-C', folder, '-c', 'user.name=Drill', '-c', 'user.email=drill@localhost', ...args])).trim();
    try {
      await run('git', ['clone', '--quiet', url, folder]);
      const parent = await git('rev-parse', 'HEAD');
      for (const [file, change] of Object.entries(edit)) {
        const text = change(
          await git('ls-files', '--error-unmatch', file).then(
            () => readFileSync(join(folder, file), 'utf8'),
            () => '',
          ),
        );
        if (text === undefined) rmSync(join(folder, file), { force: true });
        else {
          mkdirSync(dirname(join(folder, file)), { recursive: true });
          writeFileSync(join(folder, file), text);
        }
      }
      await git('add', '--all');
      await git('commit', '--quiet', '-m', message);
      const pushedAt = performance.now();
      await git('push', '--quiet', 'origin', `HEAD:refs/heads/${branch}`);
      return { commit: await git('rev-parse', 'HEAD'), parent, files: Object.keys(edit), pushedAt };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Waits until a push has arrived. */
  async delivered(push: { commit: string; parent: string; files: string[] }): Promise<Delivery> {
    return awaitDelivery(this.instance, this.platform, push, 120_000);
  }
}
