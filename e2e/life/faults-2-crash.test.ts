import t from 'tap';
import { startLoad } from '@gitops/load/start-load';
import { progressTo } from '@gitops/report/progress';
import { ensureTools } from '@gitops/tools/tools';
import { processesOf, servicePods } from '../src/faults.ts';
import { APP, Stack, until } from '../src/stack.ts';

// A pod's process is killed: the kubelet starts it again, and meanwhile nobody is sent to it.

const stack = await Stack.open();

/** Whether a pod is a target of the front door that gets requests, which follows from its endpoint. */
async function isTarget(pod: string): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${stack.ports['front-door-admin']}/targets`);
  const { targetGroups } = (await response.json()) as {
    targetGroups: { targets: { pod: string; state: string }[] }[];
  };
  return targetGroups.some(({ targets }) =>
    targets.some((each) => each.pod === `${APP}/${pod}` && each.state === 'healthy'),
  );
}

t.test(
  'kill -9 of a pod under load: restarted, out of the endpoints and back; only its own requests are lost',
  async (t) => {
    const tools = await ensureTools({ ...progressTo(), note: () => undefined }, { verify: false, builds: ['load'] });
    const [victim, ...others] = await servicePods(stack);
    if (victim === undefined) throw new Error('the service has no pod');
    const { name } = victim.metadata;
    const [pid] = processesOf(stack.instance, victim);
    t.type(pid, 'number');
    await until('a healthy target', async () => ((await isTarget(name)) ? true : undefined));

    const load = startLoad(tools, {
      url: `http://127.0.0.1:${stack.ports['front-door']}`,
      host: 'fastify-service.localhost',
      rate: 50,
      duration: 60,
    });
    await load.started;
    await until('100 requests', async () => (load.count() >= 100 ? true : Promise.resolve(undefined)));
    const before = Date.now();
    process.kill(pid ?? NaN, 'SIGKILL');
    const out = await until('no target', async () => ((await isTarget(name)) ? undefined : Date.now()));
    const back = await until('a target again', async () => ((await isTarget(name)) ? Date.now() : undefined));
    const since = load.count();
    await until('100 requests more', async () => (load.count() >= since + 100 ? true : Promise.resolve(undefined)));
    const { requests, failed, refused, failures } = await load.stop();
    // More than the few until the endpoint is gone: a load balancer takes seconds to stop sending to a target.
    t.comment(
      `${failed} of ${requests} requests lost, all of them on the killed pod; no target ${out - before} ms after` +
        ` the kill, back after ${back - before} ms`,
    );
    t.ok(failed > 0);

    const after = await servicePods(stack);
    const same = after.find(({ metadata }) => metadata.name === name);
    const restartCount = (victim.status.containerStatuses?.[0]?.restartCount ?? 0) + 1;
    t.match(same, { status: { containerStatuses: [{ restartCount, lastState: { terminated: { exitCode: 137 } } }] } });
    for (const other of others)
      t.ok(
        after.find(({ metadata }) => metadata.name === other.metadata.name),
        'the others run on',
      );
    t.equal(refused, 0, 'there was a pod to ask at every moment');
    // A load balancer says 502 for a target whose connection is refused or cut.
    t.same(
      failures.filter(({ status }) => status !== 502),
      [],
    );
    t.same(
      failures.filter(({ time }) => time < before || time > back),
      [],
      'none before the kill, none once it is back',
    );
  },
);
