import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import type { Test } from 'tap';
import { ensureTools } from '@gitops/tools/tools';
import { synthesize, type SynthesizedStack } from '../src/app.ts';
import { SimulatedAws } from './simulated-aws/cloud.ts';
import { type Engine, openEngine, type Run } from './simulated-aws/engine.ts';

export const repository = resolve(import.meta.dirname, '../..');

/** A change of clusters/<cluster>/cluster.yaml; one that changes nothing is a mistake of the test. */
export type Change = readonly [cluster: string, from: string | RegExp, to: string];

/** A copy of what the platform reads, with some settings changed. */
export function repositoryWith(folder: string, changes: readonly Change[]): string {
  for (const part of ['clusters', 'argocd']) cpSync(join(repository, part), join(folder, part), { recursive: true });
  for (const [cluster, from, to] of changes) {
    const file = join(folder, 'clusters', cluster, 'cluster.yaml');
    const text = readFileSync(file, 'utf8');
    const changed = text.replace(from, to);
    if (changed === text) throw new Error(`clusters/${cluster}/cluster.yaml has no ${String(from)}`);
    writeFileSync(file, changed);
  }
  return folder;
}

/** Progress without output. */
export const silent = { start: () => undefined, detail: () => undefined, done: () => undefined, note: () => undefined };

/** The real OpenTofu, as the tools step of the tests built it. */
export const tofu = async (): Promise<string> =>
  join((await ensureTools(silent, { verify: false, builds: ['opentofu'] })).bin, 'tofu');

let unchanged: readonly SynthesizedStack[] | undefined;

/** The repository's own stacks, written once for all tests of a file: an engine works in a copy of a stack. */
function ownStacks(): readonly SynthesizedStack[] {
  if (unchanged === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'platform-'));
    process.on('exit', () => {
      rmSync(folder, { recursive: true, force: true });
    });
    unchanged = synthesize(repository, join(folder, 'out'));
  }
  return unchanged;
}

/** A simulated AWS and the real command line for some stacks. */
export interface Platform {
  readonly cloud: SimulatedAws;
  readonly stacks: readonly SynthesizedStack[];
  engine(stack: string): Engine;
  /** Applies stacks in their order; throws where one fails. */
  apply(...names: readonly string[]): Promise<void>;
  /**
   * Writes all stacks again, for the repository with these changes and no others: the next plan is of them. Returns
   * the folder of that repository.
   */
  change(...changes: readonly Change[]): string;
}

/** Terraform, where it is installed. */
export const terraform = (process.env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'terraform'))
  .find((file) => existsSync(file));

/**
 * Opens stacks, each in a folder of its own, for OpenTofu or another program of its kind; all is closed with the test.
 * @param today decides which versions of Kubernetes are still supported
 */
export async function openPlatform(
  t: Test,
  isWanted: (stack: SynthesizedStack) => boolean = () => true,
  changes: readonly Change[] = [],
  cloud = new SimulatedAws(),
  other?: string,
  today = new Date(),
): Promise<Platform> {
  // A test may open several.
  const folder = mkdtempSync(join(existsSync(t.testdirName) ? t.testdirName : t.testdir({}), 'platform-'));
  const written =
    changes.length === 0
      ? ownStacks()
      : synthesize(repositoryWith(join(folder, 'repository'), changes), join(folder, 'out'), today);
  const stacks = written.filter(isWanted);
  const program = other ?? (await tofu());
  // State lies two folders above a stack's, as in the platform's own folder.
  const engines = new Map(
    await Promise.all(
      stacks.map(
        async ({ name, folder: source }) =>
          [name, await openEngine(cloud, source, join(folder, 'platform/out/stacks', name), program)] as const,
      ),
    ),
  );
  t.teardown(() => {
    for (const engine of engines.values()) engine.close();
  });
  const engine = (name: string): Engine => {
    const found = engines.get(name);
    if (found === undefined) throw new Error(`no stack ${name}`);
    return found;
  };
  return {
    cloud,
    stacks,
    engine,
    apply: async (...names) => {
      for (const name of names) {
        await engine(name).init();
        const run = await engine(name).apply();
        if (run.code !== 0) throw new Error(`${name} was not applied: ${run.output}`);
      }
    },
    change: (...others) => {
      const root = mkdtempSync(join(folder, 'repository-'));
      const rewritten = synthesize(repositoryWith(root, others), join(folder, 'out'), today);
      for (const { name, folder: source } of rewritten.filter(isWanted))
        cpSync(source, engine(name).folder, { recursive: true });
      return root;
    },
  };
}

/** What is there before a stack is applied: AWS and all states. The function that is returned brings it back. */
export function remember(platform: Platform, stack: string): () => void {
  const { folder } = platform.engine(stack);
  const state = join(folder, '../../../state');
  const copy = `${state}.before`;
  mkdirSync(state, { recursive: true });
  cpSync(state, copy, { recursive: true });
  const file = join(folder, 'cdk.tf.json');
  const written = readFileSync(file, 'utf8');
  const restoreCloud = platform.cloud.remember();
  return () => {
    restoreCloud();
    rmSync(state, { recursive: true, force: true });
    cpSync(copy, state, { recursive: true });
    writeFileSync(file, written);
  };
}

/** What there is, without what AWS made up for it. */
export const inventory = ({ cloud }: Platform): string[] =>
  cloud
    .things()
    .map(
      ({ type, values }) =>
        `${type} ${JSON.stringify([values.name, values.cidr_block, values.service_name, values.addon_name])}`,
    )
    .sort();

/** Sets variables of the environment until the test ends. */
export function setEnvironment(t: Test, variables: Readonly<Record<string, string>>): void {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  t.teardown(() => {
    for (const name of Object.keys(variables)) {
      if (before[name] === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = before[name];
    }
  });
}

/** The end of what a run printed, for a test's message. */
export const outputOf = (run: Run): string => run.output.slice(-3000);
