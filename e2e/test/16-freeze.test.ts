// A freeze that is active now, brought and lifted by a merge: Argo CD waits, people pass.
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { APP, Stack, until } from '../src/stack.ts';

const SETTINGS = 'clusters/local/cluster.yaml';
const stack = await Stack.open();

/** A freeze that began five minutes ago. */
function freezeNow(): string {
  const start = new Date(Date.now() - 5 * 60_000);
  const day = `${start.getUTCDate()} ${start.getUTCMonth() + 1}`;
  const lines = [
    'freezes:',
    '  - name: drill',
    `    schedule: "${start.getUTCMinutes()} ${start.getUTCHours()} ${day} *"`,
    '    duration: 2h',
    '    timeZone: UTC',
    '    reason: nobody deploys during a drill',
  ];
  return `${lines.join('\n')}\n`;
}

const lift = (text: string): string => text.replace(/^freezes:\n( .*\n)+/m, '');

const statusOf = async (): Promise<string | undefined> => (await stack.application()).status?.sync?.status;

t.test('a freeze: robots wait, people pass', async (t) => {
  const old = await stack.ship('16.0.0');
  const running = await stack.ship('16.1.0');

  await t.test('a merge brings it', async (t) => {
    await stack.delivered(await stack.push('Freeze', { [SETTINGS]: (text) => `${text}${freezeNow()}` }));
    const { stdout } = await stack.make('status');
    t.match(
      stdout,
      /^Freeze drill: nobody deploys during a drill \(until \d{4}-\d\d-\d\d \d\d:\d\d, UTC\): Argo CD deploys nothing to services/m,
    );
  });

  await t.test('a ship says at once that it waits, and it does', async (t) => {
    const { code, stdout, stderr } = await stack.make('ship', '--tag', '16.2.0');
    t.equal(code, 0, stderr);
    t.match(stdout, `${APP} waits for the end of freeze drill: nobody deploys during a drill`);
    await stack.platform.refresh(APP);
    // Longer than it takes to sync and to self-heal.
    await sleep(4000);
    t.equal(await statusOf(), 'OutOfSync');
    t.equal(await stack.image(), running);
  });

  await t.test('drift waits, too', async (t) => {
    await stack.kubectl('-n', APP, 'label', 'service', APP, 'app.kubernetes.io/name=drift', '--overwrite');
    await stack.platform.refresh(APP);
    await sleep(4000);
    const label = '{.metadata.labels.app\\.kubernetes\\.io/name}';
    t.equal(await stack.kubectl('-n', APP, 'get', 'service', APP, '-o', `jsonpath=${label}`), 'drift');
  });

  await t.test("on-call's rollback passes", async (t) => {
    const { code, stderr } = await stack.make('rollback', '--app', APP);
    t.equal(code, 0, stderr);
    t.equal(await stack.image(), old);
  });

  await t.test('handing back to Git says that it waits', async (t) => {
    const { code, stdout, stderr } = await stack.make('resume', '--app', APP);
    t.equal(code, 0, stderr);
    t.match(stdout, `${APP} waits for the end of freeze drill`);
    t.equal(await stack.image(), old);
  });

  await t.test("on-call's sync passes", async () => {
    await stack.onCall.sync(APP);
    await until('16.2.0 runs', async () => ((await stack.image()).includes(':16.2.0@') ? true : undefined));
    await until('the sync is over', async () => ((await statusOf()) === 'Synced' ? true : undefined));
  });

  await t.test('a merge lifts it, and what waited is deployed', async (t) => {
    const { code, stdout, stderr } = await stack.make('ship', '--tag', '16.3.0');
    t.equal(code, 0, stderr);
    t.match(stdout, 'waits for the end of freeze drill');
    await stack.delivered(await stack.push('No freeze', { [SETTINGS]: lift }));
    await until('16.3.0 runs', async () => ((await stack.image()).includes(':16.3.0@') ? true : undefined));
    const { stdout: status } = await stack.make('status');
    t.notMatch(status, 'Freeze');
  });
});
