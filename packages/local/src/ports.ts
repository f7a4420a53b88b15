import { createServer } from 'node:net';
import { type Instance, readState, writeState } from './instance.ts';

/** Every port of the local machine, all on loopback. */
export const PORT_NAMES = [
  'etcd',
  'etcd-peer',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kwok-controller',
  'git',
  'redis',
  'repo-server',
  'repo-server-metrics',
  'server',
  'server-metrics',
  'application-controller-metrics',
  'applicationset-controller-webhook',
  'applicationset-controller-metrics',
  'applicationset-controller-probe',
] as const;

export type PortName = (typeof PORT_NAMES)[number];
export type Ports = Readonly<Record<PortName, number>>;

// Below the ephemeral ranges of Linux (32768 on) and macOS (49152 on), so that no outgoing connection takes a
// remembered port.
const LOWEST = 20_000;
const HIGHEST = 31_999;

/** Whether nobody listens on this port of loopback. */
export async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

/**
 * The instance's ports: the remembered ones, except those that `mayMove` allows to change and that somebody else took.
 * @param mayMove whether this port may get another number; false where a running process or the cluster's stored state
 *   relies on it
 */
export async function choosePorts(instance: Instance, mayMove: (name: PortName) => boolean): Promise<Ports> {
  const remembered = (readState(instance, 'ports.json') ?? {}) as Partial<Record<PortName, number>>;
  const chosen: Partial<Record<PortName, number>> = {};
  for (const name of PORT_NAMES) {
    const port = remembered[name];
    if (port !== undefined && (!mayMove(name) || (await isFree(port)))) chosen[name] = port;
  }
  for (const name of PORT_NAMES) {
    while (chosen[name] === undefined) {
      const candidate = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST + 1));
      if (!Object.values(chosen).includes(candidate) && (await isFree(candidate))) chosen[name] = candidate;
    }
  }
  const ports = chosen as Record<PortName, number>;
  if (PORT_NAMES.some((name) => ports[name] !== remembered[name])) writeState(instance, 'ports.json', ports);
  return ports;
}

/** The ports that `make up` chose; undefined before the first. */
export function rememberedPorts(instance: Instance): Ports | undefined {
  const ports = (readState(instance, 'ports.json') ?? {}) as Partial<Record<PortName, number>>;
  return PORT_NAMES.every((name) => typeof ports[name] === 'number') ? (ports as Record<PortName, number>) : undefined;
}
