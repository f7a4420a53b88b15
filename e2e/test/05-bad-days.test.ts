import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { openInstance, processes, strayProcesses } from '@gitops/local';
import { APP, command, mainProgram, portsOf, Stack, succeed } from '../src/stack.ts';

interface Processes {
  readonly processes: readonly { readonly name: string; readonly pid?: number }[];
}

t.test('a second up changes nothing', async (t) => {
  const stack = await Stack.open();
  const state = async (): Promise<unknown> => {
    const { processes } = JSON.parse((await stack.make('status', '--json')).stdout) as Processes;
    const settings = JSON.parse(
      await stack.kubectl('-n', 'argocd', 'get', 'configmap,secret,appproject,applicationset', '-o', 'json'),
    ) as { items: { kind: string; metadata: { name: string; resourceVersion: string } }[] };
    return {
      processes: processes.map(({ name, pid }) => [name, pid]),
      settings: settings.items.map(({ kind, metadata }) => [kind, metadata.name, metadata.resourceVersion]),
      deployment: (await stack.deployment()).metadata,
    };
  };
  const before = await state();
  const { code, stderr } = await stack.make('up');
  t.equal(code, 0, stderr);
  t.same(await state(), before);
});

t.test('killed processes: status names them, up brings them back, nothing is lost', async (t) => {
  const stack = await Stack.open();
  const image = await stack.ship('5.0.0');
  const { uid } = (await stack.deployment()).metadata;
  const names = ['kube-scheduler', 'redis', 'argocd-repo-server', 'git'];
  const victims = processes(stack.instance, stack.ports).filter(({ name }) => names.includes(name));
  t.equal(victims.filter(({ pid }) => pid !== undefined).length, names.length, 'all of them run');
  for (const { pid } of victims) if (pid !== undefined) process.kill(pid, 'SIGKILL');
  await sleep(300);

  const status = await stack.make('status');
  t.equal(status.code, 1);
  for (const name of names) t.match(status.stdout, new RegExp(`^${name} is not running .*make up`, 'm'));

  const up = await stack.make('up');
  t.equal(up.code, 0, up.stderr);
  t.equal((await stack.make('status')).code, 0);
  t.equal((await stack.deployment()).metadata.uid, uid);
  t.equal(await stack.image(), image);
  t.ok(await stack.isRolledOut(await stack.ship('5.1.0')), 'and it deploys again');
});

t.test('commands without a stack say what to do', async (t) => {
  const folder = t.testdir({});
  for (const args of [
    ['status'],
    ['deploy'],
    ['ship', '--tag', '1'],
    ['rollback', '--app', APP],
    ['resume', '--app', APP],
    ['env'],
    ['logs'],
  ]) {
    const { code, stderr } = await command(folder, args);
    t.equal(code, 1, args.join(' '));
    t.match(stderr, /error: .*\n next: run `make up`/);
  }
  t.equal((await command(folder, ['down'])).code, 0, 'down with nothing to end is no mistake');
});

t.test('a second stack beside the first: interrupted at any point, ports taken, down and up again', async (t) => {
  const first = await Stack.open();
  const dir = resolve(first.instance.root, '.local/drills-second');
  rmSync(dir, { recursive: true, force: true });
  const second = openInstance({ dir });
  t.teardown(async () => {
    await command(dir, ['down']);
    rmSync(dir, { recursive: true, force: true });
  });
  await t.test('after an interrupt at several moments, the next up continues', async (t) => {
    for (const [moment, signal] of [
      [300, 'SIGINT'],
      [1500, 'SIGINT'],
      [3500, 'SIGKILL'],
      [6000, 'SIGTERM'],
    ] as const) {
      const child = spawn(process.execPath, [mainProgram, 'up'], {
        env: { ...process.env, PLATFORM_LOCAL_DIR: dir },
        stdio: 'ignore',
      });
      await sleep(moment);
      child.kill(signal);
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
    const { code, stdout, stderr } = await command(dir, ['up']);
    t.equal(code, 0, stderr);
    t.match(stdout, /fastify-service +Synced +Healthy/);
  });

  await t.test('the two share no port and no process', async (t) => {
    const ports = Object.values(portsOf(second));
    t.same(
      ports.filter((port) => Object.values(first.ports).includes(port)),
      [],
    );
    t.equal(new Set(ports).size, ports.length);
    t.equal((await first.make('status')).code, 0);
  });

  await t.test('down leaves no process and keeps the state', async (t) => {
    const image = (await Stack.open(dir)).ship('5.5.0');
    await image;
    await succeed(dir, ['down']);
    t.same(strayProcesses(second), []);
    const { code, stdout } = await command(dir, ['status']);
    t.equal(code, 1);
    t.match(stdout, /^0 of \d+ run/m);
    t.equal((await first.make('status')).code, 0, 'the first one runs on');
  });

  await t.test('a stored port of the control plane that is taken is named, and the state stays', async (t) => {
    const port = portsOf(second)['kube-apiserver'];
    const intruder = createServer().listen(port, '127.0.0.1');
    await once(intruder, 'listening');
    try {
      const { code, stderr } = await command(dir, ['up']);
      t.equal(code, 1);
      t.match(stderr, new RegExp(`error: port ${port} of kube-apiserver is taken by another program`));
    } finally {
      intruder.close();
    }
    await succeed(dir, ['down']);
  });

  await t.test(
    'any other port that is taken is changed, and numbers of processes that others have by now do no harm',
    async (t) => {
      const before = portsOf(second);
      for (const component of ['etcd', 'kube-apiserver'])
        writeFileSync(join(second.dir, 'kwok/clusters/local/pids', `${component}.pid`), String(process.pid));
      const intruder = createServer().listen(before.git, '127.0.0.1');
      await once(intruder, 'listening');
      try {
        const { code, stderr } = await command(dir, ['up']);
        t.equal(code, 0, stderr);
        const after = portsOf(second);
        t.not(after.git, before.git);
        t.equal(after['kube-apiserver'], before['kube-apiserver']);
        const stack = await Stack.open(dir);
        t.match(await stack.image(), `${APP}:5.5.0@`, 'with the state from before');
        t.ok(await stack.isRolledOut(await stack.ship('5.6.0')), 'and it deploys');
      } finally {
        intruder.close();
      }
    },
  );

  await t.test('a lock of a killed command is taken over, one of a running command is respected', async (t) => {
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'lock'), '999999 1 up\n');
    t.equal((await command(dir, ['down'])).code, 0);
    t.notOk(existsSync(join(dir, 'lock')));
    const birth = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ')[19] ?? '';
    writeFileSync(join(dir, 'lock'), `${process.pid} ${birth} up\n`);
    const { code, stderr } = await command(dir, ['down']);
    t.equal(code, 1);
    t.match(stderr, `\`make up\` is already running (process ${process.pid})`);
    rmSync(join(dir, 'lock'));
  });
});
