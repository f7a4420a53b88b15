import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const main = resolve(import.meta.dirname, '../src/main.ts');

/** A command in a folder, as make calls it. That charts are missing on this machine is looked at elsewhere. */
export function command(folder: string, args: readonly string[], variables: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: {
      ...process.env,
      CLUSTER: '',
      APP: '',
      KEY: '',
      BASE: '',
      HEAD: '',
      FROM: '',
      TO: '',
      MARKDOWN: '',
      MAKEFLAGS: '',
      ...variables,
    },
    maxBuffer: 1 << 26,
  });
  return { status, stdout, stderr: stderr.replace(/^unchecked: .*\n/, '') };
}
