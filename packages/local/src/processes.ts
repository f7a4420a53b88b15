import { readCluster } from '@gitops/settings';
import { componentLog, componentPid } from './components.ts';
import { logPath, runningPid, startedDaemons } from './daemon.ts';
import type { Instance } from './instance.ts';
import { machineNodes } from './nodes.ts';
import { COMPONENTS, type DaemonName, DAEMONS, portOf, type Ports, type ProcessName } from './ports.ts';
import { residentMemory } from './process.ts';

export interface ProcessStatus {
  readonly name: ProcessName;
  /** undefined when it does not run. */
  readonly pid: number | undefined;
  readonly port: number;
  /** Resident memory in bytes. */
  readonly memory: number;
  readonly log: string;
}

/**
 * The daemons that run by the settings of the cluster: some are there for nodes of this machine only, others when they
 * were asked for.
 */
function wantedDaemons(instance: Instance): DaemonName[] {
  const settings = readCluster(instance.root, instance.cluster);
  const nodes = settings.provider === 'local' ? machineNodes(settings) : [];
  const started = startedDaemons(instance);
  return DAEMONS.filter((name) => {
    if (MONITORING_DAEMONS.includes(name)) return started.includes(name);
    if (name === 'metrics-server') return nodes.length > 0;
    return !name.startsWith('node-agent-') || nodes.some((node) => name === `node-agent-${node.name}`);
  });
}

/** What `make monitoring` starts. */
export const MONITORING_DAEMONS: readonly ProcessName[] = ['alertmanager', 'prometheus'];

/** Every process that the local machine should have, running or not. */
export function processes(instance: Instance, ports: Ports): ProcessStatus[] {
  const statusOf = (name: ProcessName, pid: number | undefined, log: string): ProcessStatus => {
    const memory = pid === undefined ? 0 : residentMemory(pid);
    return { name, pid, port: portOf(name, ports), memory, log };
  };
  return [
    ...COMPONENTS.map((name) => statusOf(name, componentPid(instance, name), componentLog(instance, name))),
    ...wantedDaemons(instance).map((name) => statusOf(name, runningPid(instance, name), logPath(instance, name))),
  ];
}
