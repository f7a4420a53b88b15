import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Measure, summary } from '@gitops/report/measure';
import type { Routing } from './balancer.ts';
import type { Builds } from './builds.ts';
import { CORES, startNode } from './children.ts';
import { openLoop } from './load.ts';
import { endServers, type ServerProcess, startServer } from './server-process.ts';

const CLIENTS = 20;
const RATE = 1000;
const SECONDS = 26;
const LEAST_REQUESTS = 20_000;
/** How long a balancer goes on routing to a backend that is stopping. */
const DEREGISTRATION_SECONDS = 2;
const READY_LIMIT_MS = 10_000;

/** Replaces both of two processes behind a balancer, one after the other and again, while clients send requests. */
export async function measureRolling(builds: Builds, say: (text: string) => void): Promise<Measure[]> {
  const servers = [await startServer(builds.ours), await startServer(builds.ours)];
  const routed = new Set(servers);
  const exits: (number | null)[] = [];
  let replaced = 0;
  const balancer = await startBalancer();
  const route = (): void => {
    balancer.route([...routed].map(({ url }) => url));
  };

  async function replace(old: ServerProcess): Promise<ServerProcess> {
    old.kill('SIGTERM');
    await sleep(DEREGISTRATION_SECONDS * 1000);
    routed.delete(old);
    route();
    exits.push(await old.ended);
    const successor = await startServer(builds.ours);
    servers.push(successor);
    await untilReady(successor);
    routed.add(successor);
    route();
    return successor;
  }

  try {
    await Promise.all(servers.map(untilReady));
    route();
    let loaded = true;
    const load = openLoop({
      url: balancer.url,
      kind: 'networks',
      rate: RATE,
      seconds: SECONDS,
      connections: CLIENTS,
    }).finally(() => {
      loaded = false;
    });
    const queue = [...servers];
    const rollout = async (): Promise<void> => {
      for (let old = queue.shift(); old !== undefined && isTrue(loaded); old = queue.shift()) {
        queue.push(await replace(old));
        if (isTrue(loaded)) replaced += 1;
      }
    };
    const [{ sent, statuses, errors, missed, p99 }] = await Promise.all([load, rollout()]);
    const { 200: good = 0 } = statuses;
    if (good < sent) say(`rolling: ${JSON.stringify({ statuses, errors, missed })}`);
    say(`rolling: ${replaced} processes replaced`);
    return [
      summary('rolling replacement: requests', 'count', [sent], { atLeast: LEAST_REQUESTS }),
      summary('  processes replaced meanwhile', 'count', [replaced], { atLeast: 2 }),
      summary('  requests that failed', 'count', [sent - good], { atMost: 0 }),
      summary('  processes that did not end with 0', 'count', [exits.filter((code) => code !== 0).length], {
        atMost: 0,
      }),
      summary('  p99', 'ms', [p99]),
    ];
  } finally {
    balancer.end();
    await endServers(servers);
  }
}

// The compiler does not see that a variable changes while something is awaited.
const isTrue = (value: boolean): boolean => value;

async function startBalancer(): Promise<{
  url: string;
  route: (backends: readonly string[]) => void;
  end: () => void;
}> {
  const child = startNode(CORES.load, [`${import.meta.dirname}/balancer.ts`], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [port] = (await once(child, 'message')) as [number];
  return {
    url: `http://127.0.0.1:${port}`,
    route: (backends) => child.send({ backends } satisfies Routing),
    end: () => child.kill('SIGKILL'),
  };
}

async function untilReady({ adminURL }: ServerProcess): Promise<void> {
  const signal = AbortSignal.timeout(READY_LIMIT_MS);
  for (;;) {
    const response = await fetch(`${adminURL}/readyz`, { signal });
    await response.arrayBuffer();
    if (response.status === 200) return;
    await sleep(20);
  }
}
