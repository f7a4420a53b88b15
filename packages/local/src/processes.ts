import { componentLog, componentPid } from './components.ts';
import { logPath, runningPid } from './daemon.ts';
import type { Instance } from './instance.ts';
import { COMPONENTS, DAEMONS, portOf, type Ports, type ProcessName } from './ports.ts';
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

/** Every process of the local machine, running or not. */
export function processes(instance: Instance, ports: Ports): ProcessStatus[] {
  const statusOf = (name: ProcessName, pid: number | undefined, log: string): ProcessStatus => {
    const memory = pid === undefined ? 0 : residentMemory(pid);
    return { name, pid, port: portOf(name, ports), memory, log };
  };
  return [
    ...COMPONENTS.map((name) => statusOf(name, componentPid(instance, name), componentLog(instance, name))),
    ...DAEMONS.map((name) => statusOf(name, runningPid(instance, name), logPath(instance, name))),
  ];
}
