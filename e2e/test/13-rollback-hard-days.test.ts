import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { gitIn } from '@gitops/delivery/git';
import { entryRevision, isAutoSynced, isOperating, kubectl, servedRepository } from '@gitops/local';
import { follow } from '../src/follow.ts';
import { IMAGE_FILE as imageFile, rollbackDrill, withTag } from '../src/rollback-drill.ts';
import { APP, type Deployment, Stack, until } from '../src/stack.ts';

const stack = await Stack.open();
const { release, ids, make, stays } = rollbackDrill(stack);
const values = 'clusters/local/fastify-service.yaml';
const service = 'charts/fastify-service/templates/service.yaml';

/** Waits until a refused sync is in its retries. */
async function retries(): Promise<void> {
  await until('the sync is tried again', async () => {
    const { operationState } = (await stack.application()).status ?? {};
    return operationState?.phase === 'Running' && (operationState.retryCount ?? 0) > 0 ? true : undefined;
  });
}

/** Ends the running sync, as often as it takes: a request in the middle of a failing attempt is lost. */
async function terminate(): Promise<void> {
  await until('the end of the sync', async () => {
    if (!isOperating(await stack.application())) return true;
    await stack.onCall.terminateOperation(APP).catch(() => undefined);
    await sleep(1000);
    return undefined;
  });
}

const intruder = 'charts/fastify-service/templates/intruder.yaml';
const refused = (): string => 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: intruder, namespace: argocd }\n';

t.test('back to the oldest version that is kept, and no further', async (t) => {
  const newest = [await release('13.0.0'), await release('13.0.1')].at(-1) ?? '';
  const git = gitIn(servedRepository(stack.instance));
  const oldestOf = async (): Promise<{ id: number; tag: string; isAlone: boolean }> => {
    const history = ((await stack.application()).status?.history ?? []).toSorted((a, b) => a.id - b.id);
    const [entry, ...others] = history;
    if (entry === undefined) throw new Error('there is no history');
    const [, tag = ''] = /tag: "(.*)"/.exec(await git(['show', `${entryRevision(entry)}:${imageFile}`])) ?? [];
    const isAlone = !others.some((other) => entryRevision(other) === entryRevision(entry));
    return { id: entry.id, tag, isAlone };
  };
  // Earlier drills left most of them, bad ones and rollbacks to the same commit among them.
  const isFit = async (): Promise<boolean> => {
    const { tag, isAlone } = await oldestOf();
    return (await ids()).length === 10 && isAlone && !tag.includes('bad');
  };
  for (let number = 2; !(await isFit()); number += 1) await release(`13.0.${number}`);
  const last = await stack.image();
  t.equal((await ids()).length, 10, 'Argo CD keeps ten entries');
  const oldest = await oldestOf();
  const { tag } = oldest;
  t.notMatch(newest, `:${tag}@`);
  await make(t, 'rollback', '--app', APP, '--id', String(oldest.id));
  t.match(await stack.image(), `:${tag}@`);

  // The rollback is an entry of its own, for which the oldest one is dropped.
  const gone = await stack.make('rollback', '--app', APP, '--id', String(oldest.id));
  t.equal(gone.code, 1);
  t.match(gone.stderr, `has no history entry ${oldest.id}`);
  const further = await stack.make('rollback', '--app', APP);
  t.equal(further.code, 1, 'a second one does not go forth to the version that was left');
  t.match(further.stderr, 'has no earlier version to roll back to');
  t.match(await stack.image(), `:${tag}@`);

  const status = await make(t, 'status');
  t.match(
    status,
    /fastify-service: it runs [0-9a-f]{7}, deployed \w+ ago by on-?call; on main \d+ commits wait, the oldest/,
  );
  const dry = await make(t, 'resume', '--app', APP, '--dry');
  for (const release of ['13.0.0', '13.0.1'])
    t.match(dry, new RegExp(`Drill +Release ${release.replaceAll('.', '\\.')}\n`));
  t.match(dry, /containers\[fastify-service\]\.image +fastify-service:\S+@\w{7} +fastify-service:13\.0\.\d+@\w{7} /);
  t.match(await stack.image(), `:${tag}@`, 'that only showed it');
  t.equal(isAutoSynced(await stack.application()), false);

  t.match(await make(t, 'resume', '--app', APP), 'follows Git again');
  t.equal(await stack.image(), last);
});

t.test('while a sync hangs in retries', async (t) => {
  const good = await release('13.1.0');
  const [entry = 0] = (await ids()).slice(-1);
  await stack.push('Release 13.1.1, which the API server refuses', {
    [imageFile]: withTag('13.1.1'),
    [intruder]: refused,
  });
  await retries();

  // The steps of docs/runbooks/rollback.md in the UI.
  await stack.onCall.toggleAutoSync(APP);
  await t.rejects(stack.onCall.rollback(APP, entry), /another operation is already in progress/);
  await terminate();
  await stack.onCall.rollback(APP, entry);
  await until('the old image', async () => ((await stack.isRolledOut(good)) ? true : undefined));
  await until('its end', async () => (isOperating(await stack.application()) ? undefined : true));
  await stack.onCall.toggleAutoSync(APP);
  await retries();

  // The same by the command.
  await make(t, 'rollback', '--app', APP);
  t.ok(await stack.isRolledOut(good));
  await stays(t, good, 'after the sync was ended');
  t.equal(isOperating(await stack.application()), false);

  const early = await stack.make('resume', '--app', APP);
  t.equal(early.code, 1, 'main is still refused, and resume says so');
  t.match(early.stderr, /sync failed: one or more .* denied request/);
  await stack.delivered(await stack.push('No intruder', { [intruder]: () => undefined }));
  t.match(await stack.image(), ':13.1.1@');
});

t.test('a failure of the past is not told once Git asks for what runs', async (t) => {
  const push = await stack.push('Refused', { [intruder]: refused });
  await t.rejects(stack.delivered(push), /did not take/);
  t.match(await make(t, 'status'), 'fastify-service: sync failed: ');
  await terminate();
  await stack.push('Mended', { [intruder]: () => undefined });
  await until('the mended commit', async () =>
    (await stack.application()).status?.sync?.status === 'Synced' ? true : undefined,
  );
  t.notMatch(await make(t, 'status'), 'fastify-service: sync failed');
});

interface ConfigMap {
  readonly data: Record<string, string>;
}

t.test('of a release that changed values, template, replicas and environment as well, and the way back', async (t) => {
  const configuration = async (): Promise<Record<string, string>> =>
    (JSON.parse(await stack.kubectl('-n', APP, 'get', 'configmap', APP, '-o', 'json')) as ConfigMap).data;
  const label = async (): Promise<string> =>
    stack.kubectl('-n', APP, 'get', 'service', APP, '-o', 'jsonpath={.metadata.labels.drill}');
  const old = await release('13.2.0', { [values]: (text) => off(text, 3) });
  const before = await configuration();
  let template = '';
  const fresh = await release('13.2.1', {
    [values]: (text) => `${off(text, 4)}logLevel: debug\n`,
    [service]: (text) => (template = text).replace('  labels:\n', '  labels:\n    drill: rollback\n'),
  });
  t.equal((await stack.deployment()).spec.replicas, 4);
  t.equal((await configuration()).LOG_LEVEL, 'debug');
  t.equal(await label(), 'rollback');

  await make(t, 'rollback', '--app', APP);
  t.ok(await stack.isRolledOut(old));
  t.equal((await stack.deployment()).spec.replicas, 3);
  t.same(await configuration(), before);
  t.equal(await label(), '');
  t.match(await metricsOfApplication(), 'autosync_enabled="false"', 'what the alert AutoSyncLeftOff reads');

  const shown = await make(t, 'resume', '--app', APP);
  for (const change of [
    /ConfigMap\/fastify-service +data\.LOG_LEVEL +\w+ +debug /,
    /Service\/fastify-service +metadata\.labels\.drill +- +rollback /,
    /Deployment\/fastify-service +spec\.replicas +3 +4 /,
    /containers\[fastify-service\]\.image +fastify-service:13\.2\.0@\w{7} +fastify-service:13\.2\.1@\w{7} /,
  ])
    t.match(shown, change);
  t.ok(await stack.isRolledOut(fresh));
  t.equal((await stack.deployment()).spec.replicas, 4);
  t.equal((await configuration()).LOG_LEVEL, 'debug');
  t.equal(await label(), 'rollback');
  t.match(await metricsOfApplication(), 'autosync_enabled="true"');

  await release('13.2.2', {
    [values]: (text) => on(text).replace('logLevel: debug\n', ''),
    [service]: () => template,
  });
});

async function metricsOfApplication(): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${stack.ports['application-controller-metrics']}/metrics`);
  const lines = (await response.text()).split('\n');
  return lines.find((line) => line.startsWith('argocd_app_info{') && line.includes(`name="${APP}"`)) ?? '';
}

const off = (text: string, replicas: number): string =>
  `replicas: ${replicas}\n${text.replace(/^replicas: \d+\n/m, '').replace('autoscaling:\n  enabled: true', 'autoscaling:\n  enabled: false')}`;
const on = (text: string): string =>
  text.replace(/^replicas: \d+\n/m, '').replace('autoscaling:\n  enabled: false', 'autoscaling:\n  enabled: true');

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly annotations?: object };
  readonly spec: object;
}

/** The fewest pods that a Deployment asked for, and that were available, in all of its states. */
function fewestPods(): { fewest: () => { wanted: number; available: number }; end: () => void } {
  let wanted = Infinity;
  let available = Infinity;
  const end = follow(stack, ['deployment', APP], (object) => {
    const { spec, status } = object as Deployment;
    wanted = Math.min(wanted, spec.replicas);
    available = Math.min(available, status.availableReplicas ?? 0);
  });
  return { fewest: () => ({ wanted, available }), end };
}

t.test('autoscaling switched on and off never goes below the pods that run', async (t) => {
  const during = async (what: string, least: number, action: () => Promise<unknown>): Promise<void> => {
    const { fewest, end } = fewestPods();
    await until('the first state', async () => Promise.resolve(fewest().wanted === Infinity ? undefined : true));
    await action();
    await sleep(3000);
    end();
    const { wanted, available } = fewest();
    t.ok(wanted >= least, `${what}: ${wanted} wanted at least`);
    t.ok(available >= least, `${what}: ${available} available at least`);
  };
  const change = (message: string, edit: (text: string) => string) => async (): Promise<unknown> =>
    stack.delivered(await stack.push(message, { [values]: edit }));

  await change('Three pods', (text) => off(text, 3))();
  const asked = async (annotations: object): Promise<number> => {
    const manifests = (await stack.platform.manifests(APP)).map((text) => JSON.parse(text) as Manifest);
    const found = manifests.find(({ kind }) => kind === 'Deployment');
    if (found === undefined) throw new Error('no Deployment is rendered');
    Object.assign(found.metadata, { annotations: { ...found.metadata.annotations, ...annotations } });
    Reflect.deleteProperty(found.spec, 'replicas');
    const args = [
      'apply',
      '--server-side',
      '--dry-run=server',
      '--force-conflicts',
      '--field-manager=argocd-controller',
    ];
    const answer = await kubectl(
      stack.instance,
      stack.tools,
      ['--namespace', APP, ...args, '--output', 'json', '--filename', '-'],
      JSON.stringify(found),
    );
    return (JSON.parse(answer) as Deployment).spec.replicas;
  };
  t.equal(await asked({}), 1, 'without the policy, the API server falls back to one pod');
  t.equal(await asked({ 'gitops-platform/autoscaled': 'true' }), 3);
  await during('on', 3, change('Autoscaling on', on));
  t.equal((await stack.kubectl('-n', APP, 'get', 'hpa', '-o', 'name')).trim().split('\n').length, 1);
  await during('a release meanwhile', 3, async () => release('13.3.0'));
  await during(
    'off',
    3,
    change('Autoscaling off', (text) => off(text, 4)),
  );
  await until('four pods', async () => ((await stack.deployment()).status.availableReplicas === 4 ? true : undefined));
  await during('a rollback to on', 4, async () => make(t, 'rollback', '--app', APP));
  await during('a rollback to off', 3, async () => {
    const [fixed] = (await ids()).slice(-5);
    await make(t, 'rollback', '--app', APP, '--id', String(fixed));
  });
  await during('resume', 3, async () => make(t, 'resume', '--app', APP));
  await during('on again', 4, change('Autoscaling on', on));
});
