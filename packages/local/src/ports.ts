import { createServer } from 'node:net';
import { type Instance, readState, writeState } from './instance.ts';

// Which process listens on which ports, each group in the order of its start. All are ports of loopback, and the first
// one of a process is the one that people see.

/** The control plane's processes, as kwokctl names them. */
const COMPONENT_PORTS = {
  etcd: ['etcd', 'etcd-peer'],
  'kube-apiserver': ['kube-apiserver'],
  'kube-controller-manager': ['kube-controller-manager'],
  'kube-scheduler': ['kube-scheduler'],
  'kwok-controller': ['kwok-controller'],
} as const;

/** All others; those of Argo CD as its program calls them. */
const DAEMON_PORTS = {
  git: ['git'],
  registry: ['registry'],
  'metrics-server': ['metrics-server'],
  'front-door': ['front-door', 'front-door-admin'],
  'node-agent-machine-a': ['node-agent-machine-a'],
  'node-agent-machine-b': ['node-agent-machine-b'],
  redis: ['redis'],
  'argocd-repo-server': ['repo-server', 'repo-server-metrics'],
  'argocd-application-controller': ['application-controller-metrics'],
  'argocd-applicationset-controller': [
    'applicationset-controller-webhook',
    'applicationset-controller-metrics',
    'applicationset-controller-probe',
  ],
  'argocd-server': ['server', 'server-metrics'],
  'argocd-notifications-controller': ['notifications-controller-metrics'],
  alertmanager: ['alertmanager'],
  prometheus: ['prometheus'],
} as const;

const PROCESS_PORTS = { ...COMPONENT_PORTS, ...DAEMON_PORTS };

export type Component = keyof typeof COMPONENT_PORTS;
export type DaemonName = keyof typeof DAEMON_PORTS;
export type ProcessName = Component | DaemonName;
export type PortName = (typeof PROCESS_PORTS)[ProcessName][number];
export type Ports = Readonly<Record<PortName, number>>;

export const COMPONENTS = Object.keys(COMPONENT_PORTS) as Component[];
export const DAEMONS = Object.keys(DAEMON_PORTS) as DaemonName[];
export const PORT_NAMES: readonly PortName[] = Object.values(PROCESS_PORTS).flat();

export const isComponent = (process: ProcessName): process is Component => process in COMPONENT_PORTS;

/** The port by which people know a process. */
export const portOf = (process: ProcessName, ports: Ports): number => ports[PROCESS_PORTS[process][0]];

// Below the ephemeral ranges of Linux (from 32768) and macOS (from 49152), so that no outgoing connection takes a
// stored port.
const LOWEST = 20_000;
const HIGHEST = 31_999;

const STATE_FILE = 'ports.json';

const storedPorts = (instance: Instance): Partial<Ports> => readState(instance, STATE_FILE) ?? {};

/** Whether this port of loopback is free. */
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
 * The instance's ports: the stored ones, except those that another program took and that may change.
 * @param mayMove whether the ports of this process may change; false while it runs, or when stored state names them
 */
export async function choosePorts(instance: Instance, mayMove: (process: ProcessName) => boolean): Promise<Ports> {
  const stored = storedPorts(instance);
  const chosen: Partial<Record<PortName, number>> = {};
  for (const process of [...COMPONENTS, ...DAEMONS]) {
    for (const name of PROCESS_PORTS[process]) {
      const port = stored[name];
      if (port !== undefined && (!mayMove(process) || (await isFree(port)))) chosen[name] = port;
    }
  }
  for (const name of PORT_NAMES) {
    while (chosen[name] === undefined) {
      const candidate = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST + 1));
      if (!Object.values(chosen).includes(candidate) && (await isFree(candidate))) chosen[name] = candidate;
    }
  }
  const ports = chosen as Ports;
  if (PORT_NAMES.some((name) => ports[name] !== stored[name])) writeState(instance, STATE_FILE, ports);
  return ports;
}

/** The ports that `make up` chose; undefined before the first time. */
export function rememberedPorts(instance: Instance): Ports | undefined {
  const stored = storedPorts(instance);
  return PORT_NAMES.every((name) => typeof stored[name] === 'number') ? (stored as Ports) : undefined;
}
