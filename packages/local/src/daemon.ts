import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from '@gitops/report/errors';
import { type Instance, readState, statePath, writeState } from './instance.ts';
import { birthOf, endProcess } from './process.ts';

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
  /** Tells the process from a later one with the same pid. */
  readonly birth: string;
  /** Hash of command, arguments and environment; a daemon with another one is restarted. */
  readonly recipe: string;
}

const FOLDER = 'run';
const stateFile = (name: string): string => join(FOLDER, `${name}.json`);

const remembered = (instance: Instance, name: string): Remembered | undefined =>
  readState(instance, stateFile(name)) as Remembered | undefined;

/** The log of a daemon. */
export const logPath = (instance: Instance, name: string): string => statePath(instance, 'logs', `${name}.log`);

/** The pid of a daemon; undefined when it does not run. */
export function runningPid(instance: Instance, name: string): number | undefined {
  const state = remembered(instance, name);
  return state !== undefined && birthOf(state.pid) === state.birth ? state.pid : undefined;
}

/** Names of the daemons that were started and not stopped, running or not. */
export function startedDaemons(instance: Instance): string[] {
  const folder = join(instance.dir, FOLDER);
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  return files.map((file) => file.slice(0, -'.json'.length));
}

/** Without the PATH: a command from another shell must not restart what runs. */
const recipeOf = ({ command, args, env: { PATH: _, ...env } }: Daemon): string =>
  createHash('sha256')
    .update(JSON.stringify([command, args, env]))
    .digest('hex');

/**
 * Starts a daemon when it does not run, and restarts it when it runs by another recipe. It leaves the process group, so
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
      'run `make up` again: it checks the tools and rebuilds damaged ones',
    );
  }
  // In the same turn as the start: an interrupt finds the process either not started or remembered.
  const state: Remembered = { pid: child.pid, birth: birthOf(child.pid) ?? '', recipe };
  writeState(instance, stateFile(daemon.name), state);
  child.unref();
  return true;
}

/** Ends a daemon when it runs, and forgets it. */
export async function stopDaemon(instance: Instance, name: string): Promise<void> {
  const pid = runningPid(instance, name);
  if (pid !== undefined) await endProcess(pid);
  rmSync(join(instance.dir, stateFile(name)), { force: true });
}

/** Whether an HTTP address answers with success within two seconds. */
export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

/**
 * Waits until a daemon is ready. Throws CommandError with the end of its log as soon as it ends, and when the time is
 * up.
 * @param patience in milliseconds
 */
export async function awaitDaemon(
  instance: Instance,
  daemon: Daemon,
  isReady: () => Promise<boolean>,
  patience = 60_000,
): Promise<void> {
  for (const end = Date.now() + patience; Date.now() < end;) {
    if (await isReady()) return;
    if (runningPid(instance, daemon.name) === undefined) throw startFailure(instance, daemon);
    await sleep(50);
  }
  throw new CommandError(
    `${daemon.name} runs but does not answer after ${patience / 1000} s`,
    `read ${logPath(instance, daemon.name)}, then run \`make up\` again`,
  );
}

function startFailure(instance: Instance, { name, port }: Daemon): CommandError {
  const log = logPath(instance, name);
  if (reportsTakenPort(log)) return portTaken(name, port);
  return new CommandError(
    `${name} ended right after its start: ${lastWords(log)}`,
    `read ${log}, then run \`make up\` again`,
  );
}

/** Another program listens on a port that `make up` may change. */
export const portTaken = (name: string, port: number): CommandError =>
  new CommandError(
    `port ${port} of ${name} was taken by another program before it was used`,
    'run `make up` again: it chooses another port',
  );

/** The end of a log; empty when there is none. */
function tailOf(log: string): string {
  // The last 64 KiB are plenty.
  return existsSync(log) ? readFileSync(log, 'utf8').slice(-65_536).trim() : '';
}

/** Whether a log ends with the news that another program listens on the port. */
export const reportsTakenPort = (log: string): boolean =>
  /address already in use|EADDRINUSE/i.test(tailOf(log).slice(-8192));

/** The most useful line at the end of a log: the last error, otherwise the last line. */
export function lastWords(log: string): string {
  const lines = tailOf(log).split('\n');
  const errors = lines.filter((line) => /\b(error|fatal|panic|denied)\b/i.test(line));
  return (errors.at(-1) ?? lines.at(-1) ?? '').slice(0, 400) || 'its log is empty';
}
