import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Instance } from './instance.ts';
import type { Ports } from './ports.ts';
import { processes } from './processes.ts';

/** Follows the log of every process until interrupted. */
export async function followLogs(instance: Instance, ports: Ports): Promise<void> {
  const logs = processes(instance, ports).map(({ log }) => log);
  const tail = spawn('tail', ['-n', '5', '-F', ...logs.filter((log) => existsSync(log))], { stdio: 'inherit' });
  process.once('exit', () => tail.kill());
  await once(tail, 'exit');
}
