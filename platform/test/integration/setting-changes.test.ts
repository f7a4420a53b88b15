import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { SettingsError } from '@gitops/settings';
import { editorSchema } from '@gitops/settings/schema';
import { synthesize } from '../../src/app.ts';
import { judge } from '../../src/changes/judge.ts';
import { planInWords, type Planned, readPlan, requireAllowed } from '../../src/changes/plan-changes.ts';
import type { Fact } from '../../src/changes/plan-facts.ts';
import { type Effect, readSettingChanges } from '../../src/changes/table.ts';
import { tofuOf } from '../apply-in-tests.ts';
import { openPlatform, type Platform, repository, repositoryWith } from '../platform-in-tests.ts';
import { type Batch, BATCHES, dev, NOTHING, REFUSED_BY_SYNTH, WITHOUT_KARPENTER } from '../setting-mutations.ts';

// The table of what a change of each setting does, against the plans of the real OpenTofu.

const table = readSettingChanges();
const rowOf = (key: string): (typeof table)[number] => {
  const found = table.find((row) => row.key === key);
  if (found === undefined) throw new Error(`no row for ${key}`);
  return found;
};

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** `network.cidr` of a schema; a list is one setting. */
function keysOf({ properties }: Schema, path: readonly string[] = []): string[] {
  if (properties === undefined) return [path.join('.')];
  return Object.entries(properties).flatMap(([key, inner]) => keysOf(inner, [...path, key]));
}

/** Settings that come and go as a whole, beside their parts. */
const WHOLE = ['nodePool'];

t.test('every setting has a row, and every row is of a setting', (t) => {
  t.same(table.map(({ key }) => key).sort(), [...keysOf(JSON.parse(editorSchema()) as Schema), ...WHOLE].sort());
  for (const { key, effect, shows, asks, never, around } of table) {
    t.ok(effect !== 'nothing' || shows.length + asks.length + never.length === 0, `${key} does nothing in AWS`);
    t.ok((effect !== 'refused' && asks.length + never.length === 0) || around !== undefined, `${key} has a way around`);
  }
  t.end();
});

t.test('the guide has the same table', (t) => {
  const [, guide = ''] = readFileSync(join(repository, 'docs/guides/aws.md'), 'utf8').split(
    '## Change a running cluster',
  );
  const shown = [...guide.matchAll(/^\| `([\w.]+)` +\| (.+?) +\| (.+?) +\|$/gm)].map(([, ...cells]) => cells);
  t.same(
    shown,
    table.map(({ key, effect, words, around }) => [
      key,
      effect,
      around === undefined ? words : `${words}. Refused: ${around}`,
    ]),
    'platform/data/setting-changes.yaml is its home',
  );
  t.end();
});

const STACKS = ['bootstrap-111111111111', 'registry', 'dev-network', 'dev-cluster', 'dev-argocd'];
/** The most that some facts do. */
function effectOf(facts: readonly Fact[]): Effect {
  if (facts.length === 0) return 'nothing';
  return facts.some(({ action }) => action === 'renew') ? 'new before old' : 'in place';
}

async function planned(platform: Platform, stack: string, isRefreshed = false): Promise<Planned> {
  const engine = platform.engine(stack);
  const run = await engine.plan('-lock=false', `-refresh=${isRefreshed}`, '-out=changes');
  if (run.code !== 0 && run.code !== 2) throw new Error(`${stack}: ${run.output}`);
  const found = platform.stacks.find(({ name }) => name === stack);
  if (found === undefined) throw new Error(`no stack ${stack}`);
  return readPlan(tofuOf(engine), { ...found, folder: engine.folder }, 'changes', []);
}

const inText = (facts: readonly Fact[]): string[] =>
  facts.map(({ action, address, path }) => `${action} ${address} ${path}`);

const textOf = (platform: Platform, stack: string): string =>
  readFileSync(join(platform.engine(stack).folder, 'cdk.tf.json'), 'utf8');

async function tryBatch(t: Test, platform: Platform, before: ReadonlyMap<string, string>, batch: Batch): Promise<void> {
  const { mutations, told = [], refused = [] } = batch;
  const root = platform.change(...Object.values(mutations).flat());
  const stacks = batch.stacks ?? STACKS.filter((stack) => textOf(platform, stack) !== before.get(stack));
  const shown = new Set<string>();
  const stopped = new Set<string | undefined>();
  for (const stack of stacks) {
    const plan = await planned(platform, stack, batch.refresh);
    for (const { key } of plan.shown) shown.add(key);
    for (const { key } of plan.refused) stopped.add(key);
    if (plan.refused.length === 0) t.same(inText(plan.unexplained), [], `${stack}: all of it is in the table`);
    const own = { name: stack, folder: '', after: [], cluster: stack.startsWith('dev-') ? 'dev' : undefined };
    for (const { key } of plan.refused)
      t.throws(
        () => {
          requireAllowed(plan, own, root);
        },
        new RegExp(`^clusters/(dev|shared)/cluster.yaml:\\d+: ${String(key)}`, 'm'),
      );
    for (const row of plan.shown) {
      const own = plan.facts.filter((fact) => judge([fact], [row], stack).shown.length > 0);
      if (refused.includes(row.key)) continue;
      t.equal(effectOf(own), row.effect, `${row.key}: ${row.effect}`);
      t.match(planInWords(plan), `  ${row.key}: ${row.words}`);
    }
  }
  t.same(
    [...shown].sort(),
    Object.keys(mutations)
      .filter((key) => !told.includes(key))
      .sort(),
  );
  t.same([...stopped].sort(), [...refused].sort(), 'refused');
}

t.test('each setting is changed once, and its plan does what the table says', async (t) => {
  const today = new Date('2026-11-26');
  const isWanted = ({ name }: { name: string }): boolean => STACKS.includes(name);
  // Opened with all types of resources that one of the changes brings.
  const all = [dev('customerKey: false', 'customerKey: true'), dev('Endpoints: false', 'Endpoints: true')];
  const platform = await openPlatform(t, isWanted, all, undefined, undefined, today);
  platform.change(...WITHOUT_KARPENTER);
  await platform.apply(...STACKS);
  const stacks = ['dev-cluster', 'dev-argocd'];
  await tryBatch(t, platform, new Map(), { mutations: { controllers: [], nodePool: [] }, stacks });
  await platform.apply(...stacks);
  const before = new Map(STACKS.map((stack) => [stack, textOf(platform, stack)]));
  const tried = new Set<string>();

  for (const batch of BATCHES) {
    await tryBatch(t, platform, before, batch);
    for (const key of Object.keys(batch.mutations)) tried.add(key);
  }

  platform.change(...Object.values(NOTHING).flat());
  const withoutBackend = (text = ''): unknown => {
    const stack = JSON.parse(text) as { terraform: { backend?: unknown } };
    return { ...stack, '//': undefined, terraform: { ...stack.terraform, backend: undefined } };
  };
  for (const stack of STACKS) t.same(withoutBackend(textOf(platform, stack)), withoutBackend(before.get(stack)), stack);
  // Planned at the end.
  tried.add('network.zones');
  for (const key of Object.keys(NOTHING)) {
    t.equal(rowOf(key).effect, 'nothing', key);
    tried.add(key);
  }

  for (const [key, [change, problem]] of Object.entries(REFUSED_BY_SYNTH)) {
    const folder = mkdtempSync(join(t.testdirName, 'refused-'));
    t.throws(() => synthesize(repositoryWith(join(folder, 'repository'), [change]), join(folder, 'out')), {
      name: SettingsError.name,
      message: problem,
    });
    t.equal(rowOf(key).effect, 'refused', key);
    tried.add(key);
  }
  t.same([...tried].sort(), table.map(({ key }) => key).sort(), 'all of them');

  // A zone comes to the network before the cluster finds it, and leaves the cluster before the network.
  platform.change(dev('  natGateways: one', '  zones: [us-east-1a, us-east-1b, us-east-1c]\n  natGateways: one'));
  const grown = await planned(platform, 'dev-network');
  t.match(grown, { shown: [{ key: 'network.zones' }], refused: [], unexplained: [] });
  await platform.apply('dev-network');
  const moved = await planned(platform, 'dev-cluster');
  t.match(moved, { shown: [{ key: 'network.zones', effect: 'new before old' }], refused: [], unexplained: [] });
  t.equal(effectOf(moved.facts), 'new before old');
  platform.change(dev('natGateways: one', 'natGateways: one # again'));
  const shrunk = await planned(platform, 'dev-network');
  t.match(shrunk, { shown: [{ key: 'network.zones' }], refused: [], unexplained: [] });
  platform.change(dev('  natGateways: one', '  zones: [us-east-1a, us-east-1c]\n  natGateways: one'));
  t.match((await planned(platform, 'dev-network')).refused, [{ key: 'network.zones', accept: undefined }]);
});
