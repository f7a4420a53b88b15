import { once } from 'node:events';
import { createServer } from 'node:net';
import t from 'tap';
import type { Instance } from '../src/instance.ts';
import { choosePorts, COMPONENTS, DAEMONS, isFree, PORT_NAMES, portOf, rememberedPorts } from '../src/ports.ts';

const instanceIn = (dir: string): Instance => ({ root: dir, dir, cluster: 'local' });

t.test('ports are stored, and a taken one changes when it may', async (t) => {
  const instance = instanceIn(t.testdir({}));
  t.equal(rememberedPorts(instance), undefined);
  const first = await choosePorts(instance, () => true);
  t.equal(new Set(Object.values(first)).size, PORT_NAMES.length);
  t.same(await choosePorts(instance, () => true), first);
  t.same(rememberedPorts(instance), first);

  const intruder = createServer().listen(first.git, '127.0.0.1');
  await once(intruder, 'listening');
  t.teardown(() => intruder.close());
  t.equal(await isFree(first.git), false);
  t.same(await choosePorts(instance, (name) => name !== 'git'), first, 'it may not move');
  const moved = await choosePorts(instance, () => true);
  t.not(moved.git, first.git);
  t.same({ ...moved, git: 0 }, { ...first, git: 0 }, 'the others stay');
});

t.test('every port belongs to one process, and people know every process by one port', async (t) => {
  const ports = await choosePorts(instanceIn(t.testdir({})), () => true);
  t.equal(new Set(PORT_NAMES).size, PORT_NAMES.length, 'no port has two processes');
  const shown = [...COMPONENTS, ...DAEMONS].map((process) => portOf(process, ports));
  t.equal(new Set(shown).size, shown.length);
  t.equal(portOf('argocd-server', ports), ports.server, 'the API, not the metrics');
});

t.test("a process's ports all stay or may all change", async (t) => {
  const instance = instanceIn(t.testdir({}));
  const asked = new Set<string>();
  const first = await choosePorts(instance, () => true);
  const intruder = createServer().listen(first['repo-server-metrics'], '127.0.0.1');
  await once(intruder, 'listening');
  t.teardown(() => intruder.close());
  const second = await choosePorts(instance, (process) => {
    asked.add(process);
    return process !== 'argocd-repo-server';
  });
  t.same([...asked].sort(), [...COMPONENTS, ...DAEMONS].sort());
  t.same(second, first);
  const third = await choosePorts(instance, (process) => process === 'argocd-repo-server');
  t.not(third['repo-server-metrics'], first['repo-server-metrics']);
});
