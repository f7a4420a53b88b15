import { join } from 'node:path';
import type { Tools } from '@gitops/tools/tools';
import { answers, awaitDaemon, type Daemon, startDaemon } from './daemon.ts';
import { type Instance, statePath } from './instance.ts';
import type { Ports } from './ports.ts';
import { GO_COLLECTOR, INSTANCE_VARIABLE } from './process.ts';

/** Where the registry is reached. */
export const registryAddress = (ports: Ports): string => `127.0.0.1:${ports.registry}`;

/**
 * Starts the image registry when it does not run, and waits until it answers.
 * @returns whether it was started
 */
export async function startRegistry(instance: Instance, tools: Tools, ports: Ports): Promise<boolean> {
  const address = registryAddress(ports);
  const daemon: Daemon = {
    name: 'registry',
    command: join(tools.bin, 'registry'),
    args: [address, statePath(instance, 'registry')],
    env: { [INSTANCE_VARIABLE]: instance.dir, ...GO_COLLECTOR },
    port: ports.registry,
  };
  const wasStarted = await startDaemon(instance, daemon);
  await awaitDaemon(instance, daemon, async () => answers(`http://${address}/v2/`));
  return wasStarted;
}
