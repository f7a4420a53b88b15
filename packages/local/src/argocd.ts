import { createHash } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tools } from '@gitops/tools/tools';
import { componentKubeconfig } from './argocd-identities.ts';
import type { ReleaseProgram } from './argocd-program.ts';
import { argoEnvironment, type ArgoProgram, NAMESPACE, readArgoValues } from './argocd-settings.ts';
import { answers, awaitDaemon, type Daemon, startDaemon } from './daemon.ts';
import { type Instance, statePath } from './instance.ts';
import { type DaemonName, portOf, type Ports } from './ports.ts';
import { GO_COLLECTOR, INSTANCE_VARIABLE } from './process.ts';

interface ArgoDaemon extends Daemon {
  readonly name: DaemonName;
  /** The address of its health check; Redis has none, and its clients wait for it. */
  readonly healthURL?: string;
}

/**
 * The path of a socket may have about 100 characters; a clone in a deep folder gets one in the system's folder for
 * temporary files.
 */
function socketPath(instance: Instance, name: string): string {
  const path = statePath(instance, 'argocd', name);
  if (path.length < 100) return path;
  return join(tmpdir(), `${createHash('sha256').update(path).digest('hex').slice(0, 16)}-${name}`);
}

/**
 * Redis and Argo CD's processes in the order of their start, each listening on loopback (the application controller and
 * the notifications controller have no setting for the address of their metrics).
 */
function argoDaemons(instance: Instance, tools: Tools, ports: Ports, program: string): ArgoDaemon[] {
  const at = (port: number): string => `127.0.0.1:${port}`;
  const redis = at(ports.redis);
  const repoServer = at(ports['repo-server']);
  const folder = (name: string): string => {
    const path = statePath(instance, 'argocd', name, '.');
    mkdirSync(path, { recursive: true });
    return path;
  };
  // Little of the user's own environment: a personal Git or Helm configuration must change nothing.
  const environment = {
    PATH: `${tools.bin}:${process.env.PATH ?? ''}`,
    HOME: folder('home'),
    TMPDIR: folder('tmp'),
    [INSTANCE_VARIABLE]: instance.dir,
    // "https://kubernetes.default.svc" means the cluster of KUBECONFIG, with the identity there.
    ARGOCD_FAKE_IN_CLUSTER: 'true',
    ARGOCD_GPG_ENABLED: 'false',
    ARGOCD_TLS_DATA_PATH: folder('tls'),
    ARGOCD_SSH_DATA_PATH: folder('ssh'),
    ARGOCD_GPG_DATA_PATH: folder('gpg'),
    ARGOCD_PLUGINSOCKFILEPATH: folder('plugins'),
    ARGOCD_ASK_PASS_SOCK: socketPath(instance, 'askpass.sock'),
    GIT_TERMINAL_PROMPT: '0',
  };
  const argo = (part: ArgoProgram, healthURL: string, args: readonly string[]): ArgoDaemon => {
    const name = `argocd-${part}` as const;
    // One program has another name than its component.
    const binary = part === 'notifications-controller' ? 'argocd-notifications' : name;
    return {
      ...{ name, args, healthURL, port: portOf(name, ports) },
      command: program,
      env: {
        ...environment,
        // The helm and git that repo-server runs would inherit it: helm takes a fifth more time with it.
        ...(part === 'repo-server' ? {} : GO_COLLECTOR),
        ...argoEnvironment(instance, tools, part),
        KUBECONFIG: componentKubeconfig(instance, name),
        ARGOCD_BINARY_NAME: binary,
      },
    };
  };
  return [
    {
      name: 'redis',
      command: join(tools.bin, 'redis'),
      args: [redis],
      env: { [INSTANCE_VARIABLE]: instance.dir },
      port: ports.redis,
    },
    argo('repo-server', `http://${at(ports['repo-server-metrics'])}/healthz?full=true`, [
      '--address=127.0.0.1',
      `--port=${ports['repo-server']}`,
      '--metrics-address=127.0.0.1',
      `--metrics-port=${ports['repo-server-metrics']}`,
      `--redis=${redis}`,
    ]),
    argo('application-controller', `http://${at(ports['application-controller-metrics'])}/healthz`, [
      `--namespace=${NAMESPACE}`,
      `--metrics-port=${ports['application-controller-metrics']}`,
      `--redis=${redis}`,
      `--repo-server=${repoServer}`,
      ...readArgoValues(instance.root, instance.cluster).controllerArgs,
    ]),
    // It registers no check at its probe port.
    argo('applicationset-controller', `http://${at(ports['applicationset-controller-metrics'])}/metrics`, [
      `--namespace=${NAMESPACE}`,
      `--argocd-repo-server=${repoServer}`,
      '--enable-leader-election=false',
      `--webhook-addr=${at(ports['applicationset-controller-webhook'])}`,
      `--metrics-addr=${at(ports['applicationset-controller-metrics'])}`,
      `--probe-addr=${at(ports['applicationset-controller-probe'])}`,
    ]),
    argo('server', `http://${at(ports.server)}/healthz?full=true`, [
      `--namespace=${NAMESPACE}`,
      '--address=127.0.0.1',
      `--port=${ports.server}`,
      '--metrics-address=127.0.0.1',
      `--metrics-port=${ports['server-metrics']}`,
      '--insecure',
      '--disable-auth=false',
      `--redis=${redis}`,
      `--repo-server=${repoServer}`,
    ]),
    argo('notifications-controller', `http://${at(ports['notifications-controller-metrics'])}/metrics`, [
      `--namespace=${NAMESPACE}`,
      `--metrics-port=${ports['notifications-controller-metrics']}`,
      `--argocd-repo-server=${repoServer}`,
    ]),
  ];
}

/**
 * Starts those of Redis and Argo CD's processes that do not run, or run from another program, and waits until all
 * answer.
 * @param release the program of Argo CD; undefined for our own build
 * @returns the names of the processes that were started
 */
export async function startArgo(
  instance: Instance,
  tools: Tools,
  ports: Ports,
  release: ReleaseProgram | undefined,
): Promise<string[]> {
  const daemons = argoDaemons(instance, tools, ports, release?.path ?? join(tools.bin, 'argocd'));
  const started: string[] = [];
  for (const daemon of daemons) {
    if (daemon.name === 'argocd-repo-server') rmSync(daemon.env.ARGOCD_ASK_PASS_SOCK ?? '', { force: true });
    if (await startDaemon(instance, daemon)) started.push(daemon.name);
  }
  const ready = daemons.map(async (daemon) => {
    const { healthURL } = daemon;
    if (healthURL !== undefined) await awaitDaemon(instance, daemon, async () => answers(healthURL));
  });
  await Promise.all(ready);
  return started;
}
