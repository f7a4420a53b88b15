import t from 'tap';
import type { TargetRow, TargetTable } from '@gitops/front-door';
import { awaitOldPodsOut, describeEnd, type Look, oldPods } from '../src/await-load-balancer.ts';

const row = (pod: string, state: string, isRoutable: boolean): TargetRow => ({
  ...{ pod, state, isRoutable, node: 'machine-a', ip: '192.0.2.1', port: 8080, address: '127.1.1.1' },
  ...{ reason: undefined, description: undefined, since: undefined, running: 0, requests: 0 },
});

const SIMULATED: TargetRow = { ...row('shop/simulated', 'unused', false), address: undefined };

const tableOf = (...targets: TargetRow[]): TargetTable => ({
  loadBalancers: [],
  targetGroups: [{ name: 'k8s-shop-web-1', ingress: 'shop/web', service: 'shop/web', targets }],
  problems: [],
});

const look = (targets: TargetTable | undefined, ...live: string[]): Look => ({ targets, livePods: new Set(live) });

/** Shows one look after the other, and the last one from then on. */
function film(...looks: Look[]): { look: () => Promise<Look>; shown: () => number } {
  let shown = 0;
  return {
    look: () => Promise.resolve(looks[Math.min(shown++, looks.length - 1)] ?? look(undefined)),
    shown: () => shown,
  };
}

const NEW = row('shop/new', 'healthy', true);
const DRAINING = row('shop/old', 'draining', true);
const DRAINED = row('shop/old', 'draining', false);

t.test('a pod is old while it may get requests although it drains, is being deleted or is gone', (t) => {
  t.strictSame(oldPods(look(tableOf(NEW, DRAINING), 'shop/new')), ['shop/old']);
  t.strictSame(oldPods(look(tableOf(NEW, DRAINED), 'shop/new')), []);
  const unseen = row('shop/old', 'healthy', true);
  t.strictSame(oldPods(look(tableOf(NEW, unseen), 'shop/new')), ['shop/old'], 'the front door does not know yet');
  t.strictSame(oldPods({ targets: tableOf(NEW, unseen), livePods: undefined }), [], 'nor does anybody know');
  t.end();
});

t.test('the wait ends when the last old pod is out', async (t) => {
  const { look: next, shown } = film(
    look(tableOf(NEW, DRAINING), 'shop/new'),
    look(tableOf(NEW, DRAINING), 'shop/new'),
    look(tableOf(NEW, DRAINED), 'shop/new'),
  );
  const end = await awaitOldPodsOut(next);
  t.strictSame(end, { isReal: true, problem: undefined });
  t.equal(shown(), 3);
  t.match(describeEnd(end, Date.now()), [/^Old pods get no requests any more .* after the command started/]);
});

t.test('pods that stay are not waited for', async (t) => {
  const { look: next, shown } = film(look(tableOf(NEW), 'shop/new'));
  t.same(await awaitOldPodsOut(next), { isReal: true });
  t.equal(shown(), 1);
});

t.test('nothing is waited for where no target is a process', async (t) => {
  for (const table of [tableOf(SIMULATED), tableOf(), { ...tableOf(), targetGroups: [] }]) {
    const { look: next, shown } = film(look(table, 'shop/simulated'));
    const end = await awaitOldPodsOut(next);
    t.strictSame(end, { isReal: false, problem: undefined });
    t.strictSame(describeEnd(end, Date.now()), []);
    t.equal(shown(), 1);
  }
});

t.test('a front door that is gone, or never lets a pod go, is reported', async (t) => {
  const gone = await awaitOldPodsOut(film(look(tableOf(NEW, DRAINING)), look(undefined)).look);
  t.match(gone.problem, /the front door does not answer.*make up/);
  const stuck = await awaitOldPodsOut(film(look(tableOf(NEW, DRAINING), 'shop/new')).look, 0);
  t.match(stuck.problem, /old pods still get requests.*shop\/old.*make status/);
  t.strictSame(describeEnd(stuck, Date.now()), [stuck.problem]);
});
