import { resolve } from 'node:path';
import { answers, awaitDaemon, type Daemon, startDaemon } from './daemon.ts';
import type { Instance } from './instance.ts';
import type { Ports } from './ports.ts';
import { INSTANCE_VARIABLE } from './process.ts';
import { createRepository, publishedCommit, publishWorkTree, repositoryURL, servedRepository } from './repository.ts';

/**
 * Starts the Git server when it does not run, and publishes the work tree when its main has no commit yet.
 * @returns whether it was started
 */
export async function startGit(instance: Instance, ports: Ports): Promise<boolean> {
  await createRepository(instance);
  const webhooks = [ports.server, ports['applicationset-controller-webhook']].map(
    (port) => `http://127.0.0.1:${port}/api/webhook`,
  );
  const program = resolve(import.meta.dirname, 'git-server.ts');
  const daemon: Daemon = {
    name: 'git',
    command: process.execPath,
    args: [program, servedRepository(instance), String(ports.git), ...webhooks],
    env: { PATH: process.env.PATH ?? '', [INSTANCE_VARIABLE]: instance.dir },
    port: ports.git,
  };
  const wasStarted = await startDaemon(instance, daemon);
  await awaitDaemon(instance, daemon, async () => answers(`http://127.0.0.1:${ports.git}/healthz`));
  if ((await publishedCommit(instance)) === undefined) await publishWorkTree(instance, repositoryURL(ports.git));
  return wasStarted;
}
