// What a drill sees of the front door: which pods answer, and how many could.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Stack } from './stack.ts';

/** One row of the front door's table of targets. */
export interface Target {
  readonly pod: string;
  readonly node: string;
  readonly address?: string;
  readonly state: string;
  readonly requests: number;
}

/** A pod that got requests. Times in milliseconds since 1970. */
export interface AnsweringPod {
  readonly pod: string;
  /** From its metric service_build_info; undefined where it was gone before it was asked. */
  version: string | undefined;
  /** When the first and the last of its requests were seen. */
  readonly from: number;
  to: number;
  requests: number;
}

/** Who answered while it was watched. */
export interface Watching {
  readonly pods: ReadonlyMap<string, AnsweringPod>;
  /** The least number of healthy targets at any moment. */
  readonly leastHealthy: () => number;
  readonly stop: () => Promise<void>;
}

const ADMIN_PORT = 9090;
const INTERVAL_MS = 250;

/** The targets of a Service, `namespace/name`. */
export async function targetsOf(stack: Stack, service: string): Promise<Target[]> {
  const response = await fetch(`http://127.0.0.1:${stack.ports['front-door-admin']}/targets`);
  const { targetGroups } = (await response.json()) as { targetGroups: { service: string; targets: Target[] }[] };
  return targetGroups.filter((group) => group.service === service).flatMap(({ targets }) => targets);
}

/** The version that a pod was built of; undefined where it does not answer. */
async function versionOf(address: string): Promise<string | undefined> {
  const response = await fetch(`http://${address}:${ADMIN_PORT}/metrics`).catch(() => undefined);
  return /^service_build_info\{.*version="([^"]*)"/m.exec((await response?.text()) ?? '')?.[1];
}

/** Watches which pods of a Service answer, until it is stopped. */
export function watchAnswers(stack: Stack, service: string): Watching {
  const pods = new Map<string, AnsweringPod>();
  const counts = new Map<string, number>();
  const stopped = new AbortController();
  let leastHealthy = Infinity;

  const look = async (): Promise<void> => {
    const targets = await targetsOf(stack, service);
    const time = Date.now();
    leastHealthy = Math.min(leastHealthy, targets.filter(({ state }) => state === 'healthy').length);
    for (const { pod, address, requests } of targets) {
      const before = counts.get(pod);
      counts.set(pod, requests);
      if (address === undefined || before === undefined || requests === before) continue;
      const known = pods.get(pod) ?? { pod, from: time, to: time, requests: 0, version: undefined };
      pods.set(pod, known);
      known.to = time;
      known.requests += requests - before;
      known.version ??= await versionOf(address);
    }
  };
  const watch = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      await look();
      await sleep(INTERVAL_MS);
    }
  };
  const running = watch();
  return {
    pods,
    leastHealthy: () => leastHealthy,
    stop: async () => {
      stopped.abort();
      await running;
    },
  };
}

/** For how many milliseconds two versions answered side by side; negative where one ended before the other began. */
export function sideBySide(pods: Iterable<AnsweringPod>, old: string, young: string): number {
  const all = [...pods];
  const ends = all.filter(({ version }) => version === old).map(({ to }) => to);
  const begins = all.filter(({ version }) => version === young).map(({ from }) => from);
  return Math.max(...ends) - Math.min(...begins);
}
