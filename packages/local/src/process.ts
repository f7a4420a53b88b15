import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from '@gitops/report/errors';
import type { Instance } from './instance.ts';

/** Set in the environment of every process that an instance starts, and inherited by that process's children. */
export const INSTANCE_VARIABLE = 'PLATFORM_LOCAL_INSTANCE';

/**
 * For long-running Go programs that wait most of the time: the heap may grow to one and a half times what is in use, where
 * Go's default of 100 lets it double. Not for the control plane, where the collector took half of what the API server
 * computed and a rollout waited for it, and not for commands.
 */
export const GO_COLLECTOR = { GOGC: '50' } as const;

/**
 * Tells a process from a later one with the same pid; undefined when no such process runs (a zombie does not run).
 * Linux has it in /proc, other systems in ps.
 */
export function birthOf(pid: number): string | undefined {
  if (existsSync('/proc/self/stat')) {
    try {
      // The name in the second field may hold spaces and brackets, so count from its end: state is the 3rd field, start
      // time the 22nd.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
    } catch {
      return undefined;
    }
  }
  const { stdout } = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' });
  const line = stdout.trim();
  return line === '' || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '');
}

/**
 * Resident memory of a process in bytes; 0 when unknown. On Linux a page that several processes share (four of them run
 * the same program) counts in parts (PSS), so that the sum over all is what they really take; elsewhere it is RSS.
 */
export function residentMemory(pid: number): number {
  try {
    const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1];
    return Number(kilobytes) * 1024;
  } catch {
    const { stdout } = spawnSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' });
    return typeof stdout === 'string' ? Number(stdout.trim()) * 1024 : 0;
  }
}

/** Ends a process and waits until it is gone: SIGTERM, and SIGKILL five seconds later. */
export async function endProcess(pid: number): Promise<void> {
  const birth = birthOf(pid);
  const isGone = (): boolean => birth === undefined || birthOf(pid) !== birth;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (isGone()) return;
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    for (const end = Date.now() + 5000; Date.now() < end && !isGone();) await sleep(20);
  }
  if (!isGone()) throw new CommandError(`process ${pid} does not end`, `kill -9 ${pid}`);
}

/** The pids of all processes of the instance, whether it remembers them or not; Linux only, empty elsewhere. */
export function strayProcesses(instance: Instance): number[] {
  if (!existsSync('/proc/self/environ')) return [];
  const mark = `${INSTANCE_VARIABLE}=${instance.dir}`;
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  return pids.map(Number).filter((pid) => pid !== process.pid && birthOf(pid) !== undefined && hasVariable(pid, mark));
}

function hasVariable(pid: number, variable: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(variable);
  } catch {
    // Gone since the listing, or another user's.
    return false;
  }
}
