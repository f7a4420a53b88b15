import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '@gitops/report/errors';
import type { Tools } from '@gitops/tools/tools';
import type { Instance } from './instance.ts';
import { clusterEnvironment } from './kubectl.ts';
import { readPods } from './pods.ts';
import type { Ports } from './ports.ts';
import { processes } from './processes.ts';

/** Follows the log of every process until interrupted. */
export async function followLogs(instance: Instance, ports: Ports): Promise<void> {
  const logs = processes(instance, ports).map(({ log }) => log);
  const tail = spawn('tail', ['-n', '5', '-F', ...logs.filter((log) => existsSync(log))], { stdio: 'inherit' });
  process.once('exit', () => tail.kill());
  await once(tail, 'exit');
}

/**
 * Follows the logs of the pods that an Application has now, until interrupted. Throws CommandError where none of them
 * is a process of this machine.
 */
export async function followPods(instance: Instance, tools: Tools, ports: Ports, app: string): Promise<void> {
  const pods = await readPods(instance, ports);
  if (pods === undefined) throw new CommandError('the API server does not answer', 'run `make up`');
  if (!pods.some(({ namespace, real }) => namespace === app && real))
    throw new CommandError(`${app} has no pod that runs as a process`, '`make status` shows all pods');
  // Every Application has a namespace of its own, of the same name.
  const selected = ['--namespace', app, '--selector', `app.kubernetes.io/instance=${app}`];
  const shown = ['--follow', '--prefix', '--tail=20', '--all-containers', '--ignore-errors', '--max-log-requests=20'];
  const env = clusterEnvironment(instance, tools);
  const kubectl = spawn(join(tools.bin, 'kubectl'), ['logs', ...selected, ...shown], { stdio: 'inherit', env });
  process.once('exit', () => kubectl.kill());
  await once(kubectl, 'exit');
}
