import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { synthesize } from '../../src/app.ts';
import { plantCluster } from '../planted-cluster.ts';
import { type Change, outputOf, repositoryWith, tofu } from '../platform-in-tests.ts';
import { SimulatedAws } from '../simulated-aws/cloud.ts';
import { type Engine, openEngine } from '../simulated-aws/engine.ts';

// After its installation, Git has Argo CD's version and values: CDKTF must not set them back.

const CALLER = { accountId: '111111111111', region: 'us-east-1', defaultTags: {} };
const STACK = 'dev-argocd';

/** A change of any file that the stack is written from. */
type Edit = readonly [file: string, from: string | RegExp, to: string];

/** The stack as it is written from a repository with some changes: its folder. */
function written(t: Test, settings: readonly Change[] = [], edits: readonly Edit[] = []): string {
  const folder = mkdtempSync(join(t.testdirName, 'written-'));
  const root = repositoryWith(join(folder, 'repository'), settings);
  for (const [name, from, to] of edits) {
    const file = join(root, name);
    const text = readFileSync(file, 'utf8');
    const changed = text.replace(from, to);
    if (changed === text) throw new Error(`${name} has no ${String(from)}`);
    writeFileSync(file, changed);
  }
  const stack = synthesize(root, join(folder, 'out')).find(({ name }) => name === STACK);
  if (stack === undefined) throw new Error(`no stack ${STACK}`);
  return stack.folder;
}

/** The cluster without Argo CD, and a stack in it, not applied yet. */
async function open(t: Test, folder: string): Promise<{ cloud: SimulatedAws; engine: Engine }> {
  const cloud = new SimulatedAws();
  plantCluster(cloud, CALLER);
  const engine = await openEngine(cloud, folder, join(t.testdirName, 'platform/out/stacks', STACK), await tofu());
  t.teardown(() => {
    engine.close();
  });
  await engine.init();
  return { cloud, engine };
}

/** What an apply of the stack as it is written now would do, by resource; without what it leaves alone. */
async function planned(engine: Engine, folder: string): Promise<Record<string, string>> {
  cpSync(folder, engine.folder, { recursive: true });
  const plan = await engine.plan('-out=plan');
  if (plan.code !== 0 && plan.code !== 2) throw new Error(outputOf(plan));
  const { resource_changes: changes = [] } = JSON.parse((await engine.run('show', '-json', 'plan')).output) as {
    resource_changes?: readonly {
      readonly address: string;
      readonly change: { readonly actions: readonly string[] };
    }[];
  };
  const all = changes.map(({ address, change }) => [address, change.actions.join(' and ')] as const);
  return Object.fromEntries(all.filter(([address, actions]) => address.startsWith('helm_') && actions !== 'no-op'));
}

const NEWER: readonly Edit[] = [
  ['argocd/applications/argocd.yaml', 'chart: 10.8.0', 'chart: 10.9.0'],
  ['argocd/applications/argocd.yaml', 'version: v3.5.7', 'version: v3.5.8'],
  ['argocd/values.yaml', 'timeout.reconciliation: 300s', 'timeout.reconciliation: 120s'],
  ['clusters/dev/argocd.yaml', 'argocd.dev.example.com', 'argocd.example.com'],
];

t.test(
  'Argo CD is installed once; an apply after that leaves it to Git, and brings the facts of the cluster',
  async (t) => {
    t.testdir({});
    const first = written(t, [], NEWER);
    const { cloud, engine } = await open(t, first);
    t.strictSame(await planned(engine, first), {
      'helm_release.argocd': 'create',
      'helm_release.root': 'create',
    });
    t.equal((await engine.apply('plan')).code, 0);
    const versions = (): unknown[] => cloud.things('helm_release').map(({ values }) => values.version ?? '');
    t.strictSame(versions().sort(), ['', '10.9.0'], 'the version of Git is installed');

    // Git goes on: Argo CD upgrades itself, and the release stays as it was installed.
    const folder = written(t);
    t.strictSame(await planned(engine, folder), {}, 'neither version nor values come from here');
    const file = join(folder, 'cdk.tf.json');
    const text = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      text.replace('"timeout": 900', '"timeout": 600').replace('"max_history": 5', '"max_history": 3'),
    );
    t.not(readFileSync(file, 'utf8'), text);
    t.strictSame(
      await planned(engine, folder),
      {},
      'for no other argument either: the provider would install the version of its state again',
    );
    const facts = written(t, [['dev', 'domain: preview.dev.example.com', 'domain: preview.example.com']]);
    t.strictSame(await planned(engine, facts), { 'helm_release.root': 'update' });
    t.equal((await engine.apply('plan')).code, 0);
    t.match(JSON.stringify(cloud.things('helm_release')), 'preview.example.com');
    t.ok(versions().includes('10.9.0'));

    // A machine is lost with its state: what is there is found again, whatever version it has by now.
    rmSync(join(engine.folder, '../../../state'), { recursive: true });
    for (const name of ['argocd', 'root'])
      t.equal((await engine.run('import', '-no-color', `helm_release.${name}`, `argocd/${name}`)).code, 0, name);
    t.notOk('helm_release.argocd' in (await planned(engine, facts)));

    t.equal((await engine.destroy()).code, 0);
    t.strictSame(cloud.things('helm_release'), []);
  },
);
