import { createHash } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from '@gitops/report/errors';
import type { Tools } from '@gitops/tools/tools';
import { type ArgoClient, connect } from './argocd-api.ts';
import { ARGO_PROCESSES, argoEnvironment, type ArgoProcess, NAMESPACE } from './argocd-settings.ts';
import { COLLECTOR, kubeconfigPath, kubectl } from './cluster.ts';
import { type Instance, readState, statePath, writeState } from './instance.ts';
import type { Ports } from './ports.ts';
import { awaitDaemon, type Daemon, INSTANCE_VARIABLE, startDaemon } from './process.ts';

/**
 * A socket's path may have about 100 characters; a clone in a deep folder gets one in the system's folder for temporary
 * files.
 */
function socketPath(instance: Instance, name: string): string {
  const path = statePath(instance, 'argocd', name);
  return path.length < 100
    ? path
    : join(tmpdir(), `${createHash('sha256').update(path).digest('hex').slice(0, 16)}-${name}`);
}

/**
 * Redis and Argo CD's processes, each listening on loopback (the application controller's metrics have no such flag).
 */
export function argoDaemons(instance: Instance, tools: Tools, ports: Ports): Daemon[] {
  const redis = `127.0.0.1:${ports.redis}`;
  const repoServer = `127.0.0.1:${ports['repo-server']}`;
  const folder = (name: string): string => {
    const path = statePath(instance, 'argocd', name, '.');
    mkdirSync(path, { recursive: true });
    return path;
  };
  // Little of the user's own environment, so that a personal Git or Helm configuration changes nothing.
  const common = {
    PATH: `${tools.bin}:${process.env.PATH ?? ''}`,
    HOME: folder('home'),
    TMPDIR: folder('tmp'),
    KUBECONFIG: kubeconfigPath(instance),
    [INSTANCE_VARIABLE]: instance.dir,
    // "https://kubernetes.default.svc" means the cluster of KUBECONFIG.
    ARGOCD_FAKE_IN_CLUSTER: 'true',
    ARGOCD_GPG_ENABLED: 'false',
    ARGOCD_TLS_DATA_PATH: folder('tls'),
    ARGOCD_SSH_DATA_PATH: folder('ssh'),
    ARGOCD_GPG_DATA_PATH: folder('gpg'),
    ARGOCD_PLUGINSOCKFILEPATH: folder('plugins'),
    ARGOCD_ASK_PASS_SOCK: socketPath(instance, 'askpass.sock'),
    GIT_TERMINAL_PROMPT: '0',
    ...COLLECTOR,
  };
  const argo = (name: ArgoProcess, port: number, args: readonly string[]): Daemon => ({
    name: `argocd-${name}`,
    command: join(tools.bin, 'argocd'),
    args,
    env: { ...common, ...argoEnvironment(instance, tools, name), ARGOCD_BINARY_NAME: `argocd-${name}` },
    port,
  });
  const on = (port: number): string => `127.0.0.1:${port}`;
  return [
    {
      name: 'redis',
      command: join(tools.bin, 'redis'),
      args: [redis],
      env: { [INSTANCE_VARIABLE]: instance.dir },
      port: ports.redis,
    },
    argo('repo-server', ports['repo-server'], [
      ...[
        '--address=127.0.0.1',
        `--port=${ports['repo-server']}`,
        '--metrics-address=127.0.0.1',
        `--metrics-port=${ports['repo-server-metrics']}`,
      ],
      `--redis=${redis}`,
    ]),
    argo('application-controller', ports['application-controller-metrics'], [
      ...[`--namespace=${NAMESPACE}`, `--metrics-port=${ports['application-controller-metrics']}`],
      ...[`--redis=${redis}`, `--repo-server=${repoServer}`],
    ]),
    argo('applicationset-controller', ports['applicationset-controller-webhook'], [
      ...[`--namespace=${NAMESPACE}`, `--argocd-repo-server=${repoServer}`, '--enable-leader-election=false'],
      ...[
        `--webhook-addr=${on(ports['applicationset-controller-webhook'])}`,
        `--metrics-addr=${on(ports['applicationset-controller-metrics'])}`,
      ],
      `--probe-addr=${on(ports['applicationset-controller-probe'])}`,
    ]),
    argo('server', ports.server, [
      ...[
        `--namespace=${NAMESPACE}`,
        '--address=127.0.0.1',
        `--port=${ports.server}`,
        '--metrics-address=127.0.0.1',
        `--metrics-port=${ports['server-metrics']}`,
      ],
      ...['--insecure', '--disable-auth=false', `--redis=${redis}`, `--repo-server=${repoServer}`],
    ]),
  ];
}

/** The names of the processes, in their order. */
export const ARGO_DAEMONS: readonly string[] = ['redis', ...ARGO_PROCESSES.map((name) => `argocd-${name}`)];

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

/** Where each process tells that it is well; redis has no such address and is waited for by those who use it. */
const healthURL = (name: string, ports: Ports): string | undefined =>
  ({
    'argocd-repo-server': `http://127.0.0.1:${ports['repo-server-metrics']}/healthz?full=true`,
    'argocd-application-controller': `http://127.0.0.1:${ports['application-controller-metrics']}/healthz`,
    // It has a probe port, and registers no check there.
    'argocd-applicationset-controller': `http://127.0.0.1:${ports['applicationset-controller-metrics']}/metrics`,
    'argocd-server': `http://127.0.0.1:${ports.server}/healthz?full=true`,
  })[name];

/**
 * Makes Redis and Argo CD run and answer.
 * @returns the names of the processes that were started
 */
export async function startArgo(instance: Instance, tools: Tools, ports: Ports): Promise<string[]> {
  const daemons = argoDaemons(instance, tools, ports);
  const started: string[] = [];
  for (const daemon of daemons) {
    if (daemon.name === 'argocd-repo-server') rmSync(daemon.env.ARGOCD_ASK_PASS_SOCK ?? '', { force: true });
    if (await startDaemon(instance, daemon)) started.push(daemon.name);
  }
  await Promise.all(
    daemons.map(async (daemon) => {
      const url = healthURL(daemon.name, ports);
      if (url !== undefined) await awaitDaemon(instance, daemon, () => answers(url));
    }),
  );
  return started;
}

/** The accounts that commands act as. */
export type Account = 'admin' | 'oncall';

interface Tokens {
  readonly admin: string;
  readonly oncall: string;
}

/** The tokens that `make up` made. Throws CommandError where there are none. */
export function storedTokens(instance: Instance): Tokens {
  const tokens = readState(instance, 'accounts.json') as Tokens | undefined;
  if (tokens === undefined) throw new CommandError('there are no accounts yet', 'run `make up`');
  return tokens;
}

/** Makes a lasting token for each account, unless the stored ones still open the door. */
export async function ensureTokens(instance: Instance, tools: Tools, ports: Ports): Promise<void> {
  const stored = readState(instance, 'accounts.json') as Tokens | undefined;
  if (stored !== undefined) {
    const loggedIn = await Promise.all(
      [stored.admin, stored.oncall].map(async (token) => connect(ports.server, token).isLoggedIn()),
    );
    if (loggedIn.every(Boolean)) return;
  }
  const password = await initialPassword(instance, tools);
  const session = connect(ports.server, await connect(ports.server).login('admin', password));
  writeState(instance, 'accounts.json', {
    admin: await session.createToken('admin'),
    oncall: await session.createToken('oncall'),
  } satisfies Tokens);
}

/** Argo CD's server makes the first password when it starts on a fresh cluster. */
async function initialPassword(instance: Instance, tools: Tools): Promise<string> {
  for (const end = Date.now() + 30_000; Date.now() < end;) {
    const args = [
      '-n',
      NAMESPACE,
      'get',
      'secret',
      'argocd-initial-admin-secret',
      '--ignore-not-found',
      '-o',
      'jsonpath={.data.password}',
    ];
    const password = Buffer.from(await kubectl(instance, tools, args), 'base64').toString('utf8');
    if (password !== '') return password;
    await sleep(100);
  }
  throw new CommandError(
    'Argo CD made no first password for admin',
    'read .local/logs/argocd-server.log, then run `make up` again',
  );
}

/** A client of the running Argo CD that acts as an account. */
export function connectAs(instance: Instance, ports: Ports, account: Account): ArgoClient {
  return connect(ports.server, storedTokens(instance)[account]);
}
