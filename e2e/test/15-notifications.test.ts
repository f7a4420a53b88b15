// What Argo CD tells people, by its real notifications controller and a listener in the place of a chat: each event
// once, also when the controller is killed in between.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { processes } from '@gitops/local';
import { APP, Stack, until } from '../src/stack.ts';
import { type ArgoEvent, receiveArgoEvents } from '../src/webhook-receiver.ts';

const CONTROLLER = 'argocd-notifications-controller';
const stack = await Stack.open();
const { address, events } = await receiveArgoEvents(t);

const argocd = async (...args: string[]): Promise<string> => stack.kubectl('-n', 'argocd', ...args);

/** Sends notifications to an address; `make up` sets that of the local Git server, whose log keeps them. */
async function sendTo(url: string): Promise<void> {
  const patch = JSON.stringify({ stringData: { 'webhook-url': url } });
  await argocd('patch', 'secret', 'argocd-notifications-secret', '--type=merge', '-p', patch);
}

const local = `http://127.0.0.1:${stack.ports.git}/notifications`;
const logOf = (name: string): string => readFileSync(join(stack.instance.dir, 'logs', `${name}.log`), 'utf8');
const loggedLocally = (): string[] =>
  logOf('git')
    .split('\n')
    .filter((line) => line.includes(`notification: ${APP} in local is deployed`));

const own = (): ArgoEvent[] => events.filter(({ application }) => application === APP);
const names = (): string[] => own().map(({ event }) => event);

/** Waits for these events since the last call, in any order, and then whether another one comes. */
let seen = 0;
async function expectEvents(t: Tap, ...expected: string[]): Promise<ArgoEvent[]> {
  // The controller looks at every Application once a minute.
  await until(
    `events ${expected.join(', ')}`,
    async () => Promise.resolve(own().length >= seen + expected.length ? true : undefined),
    90_000,
  ).catch((error: unknown) => t.fail(String(error), { names: names() }));
  await sleep(3000);
  const fresh = own().slice(seen);
  seen = own().length;
  t.same(fresh.map(({ event }) => event).sort(), [...expected].sort());
  return fresh;
}
type Tap = Pick<typeof t, 'same' | 'fail'>;

t.before(async () => sendTo(address));
t.teardown(async () => sendTo(local));

t.test('deployed: one message, with the versions before and after', async (t) => {
  const before = (await stack.application()).status?.history?.at(-1)?.revision;
  await stack.ship('15.0.0');
  const [event] = await expectEvents(t, 'deployed');
  t.match(event, {
    cluster: 'local',
    before,
    after: (await stack.application()).status?.history?.at(-1)?.revision,
    text: new RegExp(
      `^${APP} in local is deployed and healthy: commit [0-9a-f]{7}, before [0-9a-f]{7}\\. Images: ${APP}:15\\.0\\.0\\. ` +
        `http://127\\.0\\.0\\.1:\\d+/applications/argocd/${APP}$`,
    ),
  });
});

t.test('a controller that was killed sends nothing again', async (t) => {
  const { pid } = processes(stack.instance, stack.ports).find(({ name }) => name === CONTROLLER) ?? {};
  if (pid === undefined) throw new Error(`${CONTROLLER} does not run`);
  process.kill(pid, 'SIGKILL');
  const before = loggedLocally();
  const { code, stderr } = await stack.make('up');
  t.equal(code, 0, stderr);
  await until('the new controller knows what was sent', async () =>
    Promise.resolve(
      logOf(CONTROLLER)
        .split('\n')
        .some((line) => line.includes('already sent') && line.includes(`argocd/${APP}`))
        ? true
        : undefined,
    ),
  );
  t.same(loggedLocally(), before, 'nothing to the address that make up has set');
  await sendTo(address);
  await expectEvents(t);
});

t.test('degraded: one message that says what to do', async (t) => {
  t.not((await stack.make('ship', '--tag', '15.1.0-bad')).code, 0);
  const [event] = await expectEvents(t, 'degraded');
  t.match(event?.text, /is Degraded at commit .*On-call: .*roll back/);
});

t.test('rolled back: who did it, and that nothing is deployed from now on', async (t) => {
  const { code, stderr } = await stack.make('rollback', '--app', APP);
  t.equal(code, 0, stderr);
  const fresh = await expectEvents(t, 'auto-sync-off', 'rolled-back');
  t.match(
    fresh.find(({ event }) => event === 'rolled-back')?.text,
    /was rolled back by on-call: commit .* merge a fix/,
  );
});

t.test('auto-sync off too long: one message', async (t) => {
  const ConfigMap = ['configmap', 'argocd-notifications-cm'];
  const key = 'trigger.auto-sync-off-too-long';
  const { data } = JSON.parse(await argocd('get', ...ConfigMap, '-o', 'json')) as { data: Record<string, string> };
  const trigger = data[key] ?? '';
  t.match(trigger, '> 7200');
  const set = async (text: string): Promise<string> =>
    argocd('patch', ...ConfigMap, '--type=merge', '-p', JSON.stringify({ data: { [key]: text } }));
  await expectEvents(t);
  await set(trigger.replace('7200', '1'));
  t.teardown(async () => set(trigger));
  const [event] = await expectEvents(t, 'auto-sync-off-too-long');
  t.match(event?.text, /has been off for more than two hours/);
});

t.test('handed back to Git: deployed again, and no more of it', async (t) => {
  const shipped = await stack.make('ship', '--tag', '15.2.0');
  t.equal(shipped.code, 0, shipped.stderr);
  const resumed = await stack.make('resume', '--app', APP);
  t.equal(resumed.code, 0, resumed.stderr);
  const [event] = await expectEvents(t, 'deployed');
  t.match(event?.text, `${APP}:15.2.0`);
});
