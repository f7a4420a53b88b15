import { existsSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { CommandError } from '@gitops/report/errors';
import { LOCAL_REGISTRY } from '@gitops/settings';
import { run, RunError } from '@gitops/tools/run';
import type { Tools } from '@gitops/tools/tools';
import { awaitDaemon, type Daemon, startDaemon, stopDaemon } from './daemon.ts';
import { type Instance, readState, statePath, writeState } from './instance.ts';
import { kubeconfigPath, kubectl } from './kubectl.ts';
import { ask, pkiFile } from './kubernetes-api.ts';
import type { LocalNode } from './nodes.ts';
import { type DaemonName, portOf, type Ports } from './ports.ts';
import { GO_COLLECTOR, INSTANCE_VARIABLE } from './process.ts';
import { registryAddress } from './registry.ts';

// A node of this machine is one node-agent: a kubelet whose containers are processes.

/** The networks that the nodes of this machine share, one half of a /24 for each. */
export interface PodNetworks {
  /** Addresses that the API server knows pods by; it refuses those of loopback. */
  readonly pods: string;
  /** Where a pod really listens: at the same place of this network of loopback. */
  readonly loopback: string;
}

const STATE_FILE = 'node-agents.json';
const FOLDER = 'nodes';

interface Remembered extends PodNetworks {
  /** The node-agent that ran last: it ends what it left, even where the tools were built anew since. */
  readonly program: string;
}

const remembered = (instance: Instance): Partial<Remembered> => readState(instance, STATE_FILE) ?? {};

/** The networks of the nodes that ran last; undefined where this machine never had any. */
export function rememberedNetworks(instance: Instance): PodNetworks | undefined {
  const { pods, loopback } = remembered(instance);
  return pods === undefined || loopback === undefined ? undefined : { pods, loopback };
}

/** Networks for documentation (RFC 5737): nobody's hosts have these addresses, except on machines that misuse them. */
const DOCUMENTATION = ['192.0.2', '198.51.100', '203.0.113'];

/**
 * The networks of an instance's pods: the stored ones; otherwise one for documentation that this machine is not in, and
 * one of loopback that no process listens in, so that two instances do not meet.
 * @param addresses this machine's addresses
 * @param listening addresses of loopback that some process listens on
 */
export function choosePodNetworks(
  stored: Partial<PodNetworks>,
  addresses: readonly string[] = ownAddresses(),
  listening: readonly string[] = listeningAddresses(),
): PodNetworks {
  const isUsed = (prefix: string, used: readonly string[]): boolean =>
    used.some((address) => address.startsWith(`${prefix}.`));
  const documentation = DOCUMENTATION.find((prefix) => !isUsed(prefix, addresses)) ?? DOCUMENTATION[0];
  let loopback: string;
  do {
    // Not the lower half, where resolvers and other programs have addresses.
    const [second, third] = [128 + Math.floor(Math.random() * 127), Math.floor(Math.random() * 256)];
    loopback = `127.${second}.${third}`;
  } while (isUsed(loopback, listening));
  return { pods: stored.pods ?? `${documentation}.0/24`, loopback: stored.loopback ?? `${loopback}.0/24` };
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address) ?? []);
}

/** The IPv4 addresses of this machine that a socket has as its own; Linux only. */
function listeningAddresses(): string[] {
  // Local addresses stand in the second column, as hexadecimal bytes in the processor's order.
  const lines = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
  return lines.map((line) => {
    const [, local = ''] = line.trim().split(/\s+/);
    return Buffer.from(local.slice(0, 8), 'hex').reverse().join('.');
  });
}

/** The half of a /24 that belongs to the node with this number, 0 or 1. */
export function halfOf(network: string, index: number): string {
  return network.replace(/\.0\/24$/, `.${128 * index}/25`);
}

const daemonName = (node: string): string => `node-agent-${node}`;

const stateFolder = (instance: Instance, node: string): string => statePath(instance, FOLDER, node);

function nodeAgents(
  instance: Instance,
  tools: Tools,
  ports: Ports,
  nodes: readonly LocalNode[],
  networks: PodNetworks,
): Daemon[] {
  return nodes.map((node, index) => {
    const name = daemonName(node.name);
    // The settings allow as many nodes as there are ports.
    const port = portOf(name as DaemonName, ports);
    const flags: Readonly<Record<string, string>> = {
      node: node.name,
      zone: node.zone,
      port: String(port),
      kubeconfig: kubeconfigPath(instance),
      state: stateFolder(instance, node.name),
      'client-ca': pkiFile(instance, 'ca.crt'),
      'tls-cert': pkiFile(instance, 'admin.crt'),
      'tls-key': pkiFile(instance, 'admin.key'),
      'pod-cidr': halfOf(networks.pods, index),
      'loopback-cidr': halfOf(networks.loopback, index),
      registry: `${LOCAL_REGISTRY}=${registryAddress(ports)}`,
    };
    return {
      name,
      command: join(tools.bin, 'node-agent'),
      args: ['run', ...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)],
      env: { [INSTANCE_VARIABLE]: instance.dir, ...GO_COLLECTOR },
      port,
    };
  });
}

/**
 * Starts the nodes of this machine that do not run, waits until they serve, and removes those that the settings no longer
 * have. Pods of an earlier agent go on.
 * @returns the names of the agents that were started
 */
export async function startNodeAgents(
  instance: Instance,
  tools: Tools,
  ports: Ports,
  nodes: readonly LocalNode[],
): Promise<string[]> {
  const obsolete = storedNodes(instance).filter((name) => !nodes.some((node) => node.name === name));
  for (const name of obsolete) {
    await stopDaemon(instance, daemonName(name));
    await endPods(instance, name);
    await kubectl(instance, tools, ['delete', 'node', name, '--ignore-not-found']);
    // Nobody reports their end any more, and they would look ready for minutes.
    const pods = ['pods', '--all-namespaces', `--field-selector=spec.nodeName=${name}`];
    await kubectl(instance, tools, ['delete', ...pods, '--force', '--grace-period=0']);
    rmSync(stateFolder(instance, name), { recursive: true, force: true });
  }
  if (nodes.length === 0) return [];
  const networks = choosePodNetworks(remembered(instance));
  const state: Remembered = { ...networks, program: realpathSync(join(tools.bin, 'node-agent')) };
  writeState(instance, STATE_FILE, state);
  const started: string[] = [];
  const ready: Promise<void>[] = [];
  for (const daemon of nodeAgents(instance, tools, ports, nodes, networks)) {
    if (await startDaemon(instance, daemon)) started.push(daemon.name);
    const isReady = async (): Promise<boolean> => (await ask(instance, daemon.port, '/healthz'))?.status === 200;
    ready.push(awaitDaemon(instance, daemon, isReady));
  }
  await Promise.all(ready);
  return started;
}

/** The nodes that have a state folder. */
function storedNodes(instance: Instance): string[] {
  const folder = join(instance.dir, FOLDER);
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Ends the pods of all nodes of this machine; their agents must not run. */
export async function endAllPods(instance: Instance): Promise<void> {
  await Promise.all(storedNodes(instance).map(async (node) => endPods(instance, node)));
}

async function endPods(instance: Instance, node: string): Promise<void> {
  const { program } = remembered(instance);
  // Without the program nothing was started, or the user's cache folder was deleted; the next agent takes the pods over.
  if (program === undefined || !existsSync(program)) return;
  try {
    await run(program, ['stop', '--state', stateFolder(instance, node)]);
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    throw new CommandError(`the pods of ${node} do not end: ${error.stderr.trim()}`, 'run `make down` again');
  }
}
