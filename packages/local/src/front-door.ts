import { fileURLToPath } from 'node:url';
import type { TargetTable } from '@gitops/front-door';
import { answers, awaitDaemon, type Daemon, startDaemon } from './daemon.ts';
import type { Instance } from './instance.ts';
import { kubeconfigPath } from './kubectl.ts';
import type { Ports } from './ports.ts';
import { INSTANCE_VARIABLE } from './process.ts';

/** Little memory for short-lived objects. Measured under load: 152 MB resident in place of 213. */
const NODE_OPTIONS = ['--max-semi-space-size=4', '--max-old-space-size=192'];

/**
 * Starts the front door when it does not run. It needs the cluster's kubeconfig, and waits for its API server itself.
 * @returns whether it was started
 */
export async function startFrontDoor(instance: Instance, ports: Ports): Promise<boolean> {
  const program = fileURLToPath(import.meta.resolve('@gitops/front-door/main'));
  const options = {
    '--kubeconfig': kubeconfigPath(instance),
    '--port': String(ports['front-door']),
    '--admin-port': String(ports['front-door-admin']),
  };
  const daemon: Daemon = {
    name: 'front-door',
    command: process.execPath,
    args: [...NODE_OPTIONS, program, 'serve', ...Object.entries(options).flat()],
    env: { PATH: process.env.PATH ?? '', [INSTANCE_VARIABLE]: instance.dir },
    port: ports['front-door'],
  };
  const wasStarted = await startDaemon(instance, daemon);
  await awaitDaemon(instance, daemon, async () => answers(`http://127.0.0.1:${ports['front-door-admin']}/healthz`));
  return wasStarted;
}

/** The HTTP proxy through which processes of this machine reach the Services of the cluster. */
export const serviceProxy = (ports: Ports): string => `http://127.0.0.1:${ports['front-door-admin']}`;

/** The front door's table of targets; undefined when it does not answer within two seconds. */
export async function readTargets(ports: Ports): Promise<TargetTable | undefined> {
  try {
    const url = `http://127.0.0.1:${ports['front-door-admin']}/targets`;
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    return (await response.json()) as TargetTable;
  } catch {
    return undefined;
  }
}

/** The addresses of the services behind the front door, in the order of their load balancers. */
export function serviceAddresses({ loadBalancers }: TargetTable, ports: Ports): string[] {
  const hosts = loadBalancers.flatMap((balancer) => balancer.hosts).filter((host) => !host.includes('*'));
  return hosts.map((host) => `http://${host}:${ports['front-door']}`);
}

/** Whether some target is a process, which answers; simulated pods have no address. */
export function hasProcess({ targetGroups }: TargetTable): boolean {
  return targetGroups.some(({ targets }) => targets.some(({ address }) => address !== undefined));
}

/** What is wrong with the front door and its targets, a line each. */
export function frontDoorProblems(table: TargetTable | undefined): string[] {
  if (table === undefined)
    return ['the front door does not answer: until it does, new pods of its services stay unready'];
  const problems = table.problems.map((problem) => `front door: ${problem}`);
  for (const { targets } of table.targetGroups)
    for (const { pod, state, description } of targets)
      if (state === 'unhealthy')
        problems.push(`front door: pod ${pod} is unhealthy: ${description ?? 'no reason given'}`);
  return problems;
}
