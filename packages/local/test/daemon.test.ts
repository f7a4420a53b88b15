import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import t from 'tap';
import { CommandError } from '@gitops/report/errors';
import { awaitDaemon, type Daemon, runningPid, startDaemon, stopDaemon } from '../src/daemon.ts';
import type { Instance } from '../src/instance.ts';
import { birthOf, INSTANCE_VARIABLE, strayProcesses } from '../src/process.ts';

const instanceIn = (dir: string): Instance => ({ root: dir, dir, cluster: 'local' });
const sleeper = (instance: Instance, env: Record<string, string> = {}): Daemon => ({
  name: 'sleeper',
  command: process.execPath,
  args: ['-e', 'setInterval(() => {}, 1000)'],
  env: { [INSTANCE_VARIABLE]: instance.dir, ...env },
  port: 1,
});

t.test('a daemon is started once, restarted for another recipe, and ended by its pid', async (t) => {
  const instance = instanceIn(t.testdir({}));
  t.teardown(() => stopDaemon(instance, 'sleeper'));
  t.equal(await startDaemon(instance, sleeper(instance)), true);
  const pid = runningPid(instance, 'sleeper') ?? 0;
  t.ok(pid > 0);
  t.equal(
    await startDaemon(instance, sleeper(instance, { PATH: '/elsewhere' })),
    false,
    'another PATH is no other recipe',
  );
  t.equal(runningPid(instance, 'sleeper'), pid);
  t.equal(await startDaemon(instance, sleeper(instance, { COLOUR: 'blue' })), true);
  const second = runningPid(instance, 'sleeper') ?? 0;
  t.not(second, pid);
  t.equal(birthOf(pid), undefined, 'the first one has gone');
  t.same(strayProcesses(instance), process.platform === 'linux' ? [second] : []);
  await stopDaemon(instance, 'sleeper');
  t.equal(runningPid(instance, 'sleeper'), undefined);
  t.same(strayProcesses(instance), []);
});

t.test('a pid that another process got is not taken for the daemon', async (t) => {
  const instance = instanceIn(t.testdir({}));
  await startDaemon(instance, sleeper(instance));
  const file = join(instance.dir, 'run/sleeper.json');
  const state = JSON.parse(readFileSync(file, 'utf8')) as { pid: number };
  t.teardown(() => process.kill(state.pid));
  writeFileSync(file, JSON.stringify({ ...state, birth: 'another' }));
  t.equal(runningPid(instance, 'sleeper'), undefined);
  await stopDaemon(instance, 'sleeper');
  t.ok(birthOf(state.pid) !== undefined, 'and not ended in its place');
});

t.test('a daemon that ends at once fails with the end of its log, or with the port that was taken', async (t) => {
  const instance = instanceIn(t.testdir({}));
  const failing = (script: string): Daemon => ({ ...sleeper(instance), args: ['-e', script] });
  const start = async (daemon: Daemon): Promise<unknown> => {
    await startDaemon(instance, daemon);
    return awaitDaemon(instance, daemon, () => Promise.resolve(false)).catch((error: unknown) => error);
  };
  const broken = await start(
    failing('console.log("starting"); console.error("error: no such table"); process.exit(3)'),
  );
  t.ok(broken instanceof CommandError);
  t.match((broken as CommandError).message, 'sleeper ended right after its start: error: no such table');

  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const taken = await start({ ...failing(`require('node:http').createServer().listen(${port}, '127.0.0.1')`), port });
  t.match((taken as CommandError).message, `port ${port} of sleeper was taken by another program before it was used`);
  t.match((taken as CommandError).next, 'make up');
  const missing = await startDaemon(instance, { ...sleeper(instance), command: join(instance.dir, 'nothing') }).catch(
    (error: unknown) => error,
  );
  t.match((missing as CommandError).message, 'sleeper cannot be started');
});
