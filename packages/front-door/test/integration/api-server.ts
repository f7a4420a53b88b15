import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@gitops/tools/free-port';

/** A program in the background, with its output in a file. */
export function start(folder: string, name: string, command: string, args: readonly string[]): ChildProcess {
  const log = openSync(join(folder, `${name}.log`), 'a');
  const child = spawn(command, args, { stdio: ['ignore', log, log] });
  closeSync(log);
  return child;
}

export async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<number | null> {
  if (child === undefined) return null;
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  child.kill(signal);
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

export interface ApiServer {
  readonly kubeconfig: string;
  start(): Promise<void>;
  /** Kills it; its objects stay. */
  kill(): Promise<void>;
  /** Runs kubectl, and returns what it prints. */
  kubectl(args: readonly string[], input?: object): string;
}

interface Teardown {
  teardown(act: () => Promise<unknown>): void;
}

/**
 * etcd and kube-apiserver without the rest of a cluster; not started yet.
 * @param bin the folder of the programs
 */
export async function createApiServer(t: Teardown, folder: string, bin: string): Promise<ApiServer> {
  const [etcdPort, peerPort, port] = [await freePort(), await freePort(), await freePort()];
  const file = (name: string, content: string | Buffer): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = file('service-account.key', privateKey.export({ type: 'pkcs1', format: 'pem' }));
  const tokens = file('tokens.csv', 'token,admin,admin,"system:masters"\n');
  const kubeconfig = file(
    'kubeconfig',
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: `https://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'u', user: { token: 'token' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  );
  const etcdURL = `http://127.0.0.1:${etcdPort}`;
  let etcd: ChildProcess | undefined;
  let server: ChildProcess | undefined;
  t.teardown(async () => {
    await end(server, 'SIGKILL');
    await end(etcd, 'SIGKILL');
  });

  const kubectl = (args: readonly string[], input?: object): string =>
    execFileSync(join(bin, 'kubectl'), [`--kubeconfig=${kubeconfig}`, `--cache-dir=${folder}/cache`, ...args], {
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(input === undefined ? {} : { input: JSON.stringify(input) }),
    });

  return {
    kubeconfig,
    kubectl,
    async start() {
      etcd ??= start(folder, 'etcd', join(bin, 'etcd'), [
        `--data-dir=${folder}/etcd`,
        `--listen-client-urls=${etcdURL}`,
        `--advertise-client-urls=${etcdURL}`,
        `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
        '--unsafe-no-fsync',
      ]);
      server = start(folder, 'kube-apiserver', join(bin, 'kube-apiserver'), [
        `--etcd-servers=${etcdURL}`,
        `--secure-port=${port}`,
        '--bind-address=127.0.0.1',
        `--cert-dir=${folder}/certificates`,
        `--token-auth-file=${tokens}`,
        '--service-account-issuer=https://localhost',
        `--service-account-signing-key-file=${key}`,
        `--service-account-key-file=${key}`,
        '--disable-admission-plugins=ServiceAccount',
        '--authorization-mode=AlwaysAllow',
        '--service-cluster-ip-range=10.0.0.0/24',
      ]);
      for (;;) {
        try {
          kubectl(['get', '--raw=/readyz']);
          return;
        } catch {
          if (server.exitCode !== null) throw new Error(`kube-apiserver ended; its log is in ${folder}`);
          await sleep(100);
        }
      }
    },
    async kill() {
      await end(server, 'SIGKILL');
    },
  };
}
