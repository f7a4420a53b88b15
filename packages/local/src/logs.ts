import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Instance } from './instance.ts';
import type { Ports } from './ports.ts';
import { processes } from './status.ts';

/** Follows every log until interrupted. */
export async function followLogs(instance: Instance, ports: Ports): Promise<void> {
  const files = processes(instance, ports)
    .map(({ log }) => log)
    .filter((log) => existsSync(log));
  const tail = spawn('tail', ['-n', '5', '-F', ...files], { stdio: 'inherit' });
  process.once('exit', () => tail.kill());
  await once(tail, 'exit');
}
