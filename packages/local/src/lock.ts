import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { CommandError } from '@gitops/report/errors';
import { type Instance, statePath } from './instance.ts';
import { birthOf } from './process.ts';

/**
 * Runs an action that must be the only one in this instance.
 * Throws CommandError when another one runs; the lock of a killed command is taken over.
 */
export async function withLock<T>(instance: Instance, command: string, action: () => Promise<T>): Promise<T> {
  const path = statePath(instance, 'lock');
  for (;;) {
    try {
      const file = openSync(path, 'wx');
      writeSync(file, `${process.pid} ${birthOf(process.pid) ?? ''} ${command}\n`);
      closeSync(file);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const [pid = '', birth = '', owner = 'a command'] = readFileSync(path, 'utf8').trim().split(' ');
      if (birthOf(Number(pid)) === birth)
        throw new CommandError(
          `\`make ${owner}\` is already running (process ${pid})`,
          `wait for it to end, or \`kill ${pid}\``,
        );
      rmSync(path, { force: true });
    }
  }
  const release = (): void => {
    rmSync(path, { force: true });
  };
  process.once('exit', release);
  try {
    return await action();
  } finally {
    process.off('exit', release);
    release();
  }
}
