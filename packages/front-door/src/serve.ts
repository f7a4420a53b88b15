import { once } from 'node:events';
import type { Server } from 'node:http';
import { KubeConfig } from '@kubernetes/client-node';
import { createAdmin, targetTable } from './admin.ts';
import { createController } from './controller.ts';
import { createFrontDoor } from './front-door.ts';
import { watchCluster } from './watch.ts';

export interface ServeOptions {
  readonly kubeconfig: string;
  /** Where the load balancers listen on loopback. */
  readonly port: number;
  readonly adminPort: number;
  readonly accessLog: boolean;
  readonly log: (line: string) => void;
}

/** How often everything is compared anew, whatever was seen: what failed is tried again. */
const RESYNC_MILLISECONDS = 5000;

/** How long running requests may last after the front door was told to end. */
const GRACE_MILLISECONDS = 3000;

async function listenOnLoopback(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}

/** Runs the front door of a cluster until the signal comes. Throws when a port is taken. */
export async function serve(options: ServeOptions, signal: AbortSignal): Promise<void> {
  const { kubeconfig, port, adminPort, accessLog, log } = options;
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);

  let isPlanned = false;
  /** Many events at once are one change. */
  function plan(act: () => void): void {
    if (isPlanned) return;
    isPlanned = true;
    setImmediate(() => {
      isPlanned = false;
      act();
    });
  }
  const onChange = (): void => {
    plan(refresh);
  };
  const door = createFrontDoor({ onChange, accessLog: accessLog ? log : undefined });
  const watch = watchCluster(config, onChange);
  const controller = createController(config, door, port, log);
  let problem: string | undefined;
  function refresh(): void {
    try {
      const state = watch.state();
      if (state !== undefined) {
        door.update(state);
        controller.reconcile(state);
      }
    } catch (error) {
      // An object that nobody thought of must not end the traffic of all others.
      log(
        `the cluster's objects were not taken over: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    }
    if (watch.problem() === problem) return;
    problem = watch.problem();
    log(problem === undefined ? 'the API server is watched' : `the API server cannot be watched: ${problem}`);
  }
  const admin = createAdmin(() => targetTable(door, watch.problem()), watch.state);
  const resync = setInterval(refresh, RESYNC_MILLISECONDS);

  try {
    await listenOnLoopback(door.server, port);
    await listenOnLoopback(admin, adminPort);
    log(`listening on 127.0.0.1:${port}, admin on 127.0.0.1:${adminPort}`);
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    clearInterval(resync);
    watch.stop();
    admin.close();
    await closeGently(door.server);
    door.close();
  }
}

async function closeGently(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  const timer = setTimeout(() => {
    server.closeAllConnections();
  }, GRACE_MILLISECONDS);
  await closed;
  clearTimeout(timer);
}
