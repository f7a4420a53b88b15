import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from '@gitops/report/errors';
import { type Instance, readState, statePath, writeState } from './instance.ts';

/** A program that keeps running in the background after the command that started it has ended. */
export interface Daemon {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly port: number;
}

interface Remembered {
  readonly pid: number;
  /** The kernel's own mark of this very process, so that a reused pid is not taken for it. */
  readonly birth: string;
  /** Hash of command, arguments and environment; another one means that it must be started anew. */
  readonly recipe: string;
}

/**
 * A mark that tells a process from a later one with the same pid; undefined where no such process runs (a zombie does
 * not run). Linux tells it in /proc, other systems by ps.
 */
export function birthOf(pid: number): string | undefined {
  if (existsSync('/proc/self/stat')) {
    try {
      // The name in the second field may hold spaces and brackets, so fields are counted from its end: state is 3rd,
      // start time 22nd.
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
 * Resident memory of a process in bytes; 0 where it cannot be told. On Linux a page that several processes share (four
 * of them run the same program) counts in parts, so that the sum over all is what they really take (PSS); elsewhere it
 * is RSS.
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

/** The log of a process of the instance. */
export function logPath(instance: Instance, name: string): string {
  return statePath(instance, 'logs', `${name}.log`);
}

const stateFile = (name: string): string => join('run', `${name}.json`);

function remembered(instance: Instance, name: string): Remembered | undefined {
  return readState(instance, stateFile(name)) as Remembered | undefined;
}

/** The pid of a running daemon; undefined where it does not run. */
export function runningPid(instance: Instance, name: string): number | undefined {
  const state = remembered(instance, name);
  return state !== undefined && birthOf(state.pid) === state.birth ? state.pid : undefined;
}

/** Names of the daemons that were started and not stopped, running or not. */
export function startedDaemons(instance: Instance): string[] {
  const folder = join(instance.dir, 'run');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length));
}

/** The PATH is left out: another shell's must not restart what runs. */
const recipeOf = ({ command, args, env: { PATH: _, ...env } }: Daemon): string =>
  createHash('sha256')
    .update(JSON.stringify([command, args, env]))
    .digest('hex');

/**
 * Makes a daemon run: starts it, or starts it anew where it runs by another recipe. It leaves the process group, so
 * that Ctrl-C in the terminal does not reach it.
 * @returns whether anything was started
 */
export async function startDaemon(instance: Instance, daemon: Daemon): Promise<boolean> {
  const recipe = recipeOf(daemon);
  if (runningPid(instance, daemon.name) !== undefined) {
    if (remembered(instance, daemon.name)?.recipe === recipe) return false;
    await stopDaemon(instance, daemon.name);
  }
  const log = openSync(logPath(instance, daemon.name), 'w');
  const child = spawn(daemon.command, daemon.args, { env: daemon.env, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  if (child.pid === undefined) {
    const [error] = (await once(child, 'error')) as [Error];
    throw new CommandError(
      `${daemon.name} cannot be started: ${error.message}`,
      'run `make up` again: it checks the tools and rebuilds what is wrong',
    );
  }
  // In the same turn as the start, so that an interrupt finds the process either not started or remembered.
  writeState(instance, stateFile(daemon.name), {
    pid: child.pid,
    birth: birthOf(child.pid) ?? '',
    recipe,
  } satisfies Remembered);
  child.unref();
  return true;
}

/**
 * Ends a daemon by its pid: SIGTERM, and SIGKILL where it has not gone after five seconds. Nothing happens where it
 * does not run.
 */
export async function stopDaemon(instance: Instance, name: string): Promise<void> {
  const pid = runningPid(instance, name);
  if (pid !== undefined) await endProcess(pid);
  rmSync(join(instance.dir, stateFile(name)), { force: true });
}

/** Ends a process and waits until it has gone. */
export async function endProcess(pid: number): Promise<void> {
  const birth = birthOf(pid);
  const gone = (): boolean => birth === undefined || birthOf(pid) !== birth;
  for (const [signal, patience] of [
    ['SIGTERM', 5000],
    ['SIGKILL', 5000],
  ] as const) {
    if (gone()) return;
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    for (const end = Date.now() + patience; Date.now() < end && !gone();) await sleep(20);
  }
  if (!gone()) throw new CommandError(`process ${pid} does not end`, `kill -9 ${pid}`);
}

/** Set in the environment of everything that an instance starts, and inherited by what that starts in turn. */
export const INSTANCE_VARIABLE = 'PLATFORM_LOCAL_INSTANCE';

/** The pids of all processes that belong to the instance, remembered or not; Linux only, empty elsewhere. */
export function strayProcesses(instance: Instance): number[] {
  if (!existsSync('/proc/self/environ')) return [];
  const mark = `${INSTANCE_VARIABLE}=${instance.dir}`;
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        return (
          pid !== process.pid &&
          birthOf(pid) !== undefined &&
          readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark)
        );
      } catch {
        // Gone since the listing, or somebody else's.
        return false;
      }
    });
}

/** The end of a log; empty where there is none. */
function tailOf(path: string): string {
  // The last 64 KiB are plenty.
  return existsSync(path) ? readFileSync(path, 'utf8').slice(-65_536).trim() : '';
}

/** The line at the end of a log that says most: the last one with an error in it, else the last one. */
export function lastWords(path: string): string {
  const lines = tailOf(path).split('\n');
  const telling = lines.filter((line) => /\b(error|fatal|panic|denied)\b/i.test(line));
  return (telling.at(-1) ?? lines.at(-1) ?? '').slice(0, 400) || 'it wrote no log';
}

/**
 * Waits until `ready` says so. Fails at once, with the process's own last words, when the process ends before.
 * @param patience in milliseconds
 */
export async function awaitDaemon(
  instance: Instance,
  daemon: Daemon,
  ready: () => Promise<boolean>,
  patience = 60_000,
): Promise<void> {
  const end = Date.now() + patience;
  while (Date.now() < end) {
    if (await ready()) return;
    if (runningPid(instance, daemon.name) === undefined) throw startFailure(instance, daemon.name, daemon.port);
    await sleep(50);
  }
  throw new CommandError(
    `${daemon.name} runs but does not answer after ${patience / 1000} s`,
    `read ${logPath(instance, daemon.name)}, then run \`make up\` again`,
  );
}

/** Why a process that was just started has ended, in words that say what to do next. */
function startFailure(instance: Instance, name: string, port: number): CommandError {
  if (/address already in use|EADDRINUSE/i.test(tailOf(logPath(instance, name)))) {
    return new CommandError(
      `port ${port} of ${name} was taken by another program between choice and use`,
      'run `make up` again: it chooses another port',
    );
  }
  return new CommandError(
    `${name} ended right after its start: ${lastWords(logPath(instance, name))}`,
    `read ${logPath(instance, name)}, then run \`make up\` again`,
  );
}
