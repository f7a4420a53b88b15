import { spawn } from 'node:child_process';
import { run, RunError } from '@gitops/tools/run';

/** Runs git and gives its standard output. Throws RunError. */
export type Git = (args: readonly string[], options?: GitOptions) => Promise<string>;

export interface GitOptions {
  /** The index file to use instead of the repository's own. */
  readonly index?: string;
  /** Written to git's standard input. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * The environment of every git that this package starts: GIT_* variables of the caller, which name another repository or
 * index, have no effect; git never asks for a password, speaks English, and gives up a transfer that stands still.
 */
function environment(): NodeJS.ProcessEnv {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')));
  return {
    ...inherited,
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_HTTP_LOW_SPEED_LIMIT: '1',
    GIT_HTTP_LOW_SPEED_TIME: '60',
  };
}

/**
 * git on a bare repository, or on the `.git` folder of a clone.
 * @param workTree a folder to read files from; relative paths are then relative to it
 */
export function gitIn(repository: string, workTree?: string): Git {
  const place = ['--git-dir', repository, ...(workTree === undefined ? [] : ['--work-tree', workTree])];
  const inherited = environment();
  return async (args, { index, input, env } = {}) =>
    run('git', [...place, ...args], {
      ...(input === undefined ? {} : { input }),
      ...(workTree === undefined ? {} : { cwd: workTree }),
      env: { ...inherited, ...(index === undefined ? {} : { GIT_INDEX_FILE: index }), ...env },
    });
}

/** What git says about the folder of a clone, trimmed; undefined when it fails. */
export async function askClone(folder: string, ...args: string[]): Promise<string | undefined> {
  try {
    return (await run('git', ['-C', folder, ...args], { env: environment() })).trim();
  } catch (error) {
    if (error instanceof RunError) return undefined;
    throw error;
  }
}

/** Whether a commit is an ancestor of another one, or the same; false for commits that the repository does not have. */
export async function isAncestor(git: Git, ancestor: string, commit: string): Promise<boolean> {
  try {
    await git(['merge-base', '--is-ancestor', ancestor, commit]);
    return true;
  } catch (error) {
    if (error instanceof RunError) return false;
    throw error;
  }
}

/**
 * The texts of some blobs, by their names, read by one process. Bytes that are not UTF-8 become U+FFFD.
 * Throws RunError when one is missing.
 */
export async function readBlobs(repository: string, names: Iterable<string>): Promise<Map<string, string>> {
  const input = [...new Set(names)].map((name) => `${name}\n`).join('');
  const texts = new Map<string, string>();
  const output = await new Promise<Buffer>((resolve, reject) => {
    const child = spawn('git', ['--git-dir', repository, 'cat-file', '--batch'], { env: environment() });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stdin.on('error', () => undefined);
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(chunks));
      else reject(new RunError('git cat-file', code, ''));
    });
    child.stdin.end(input);
  });
  for (let at = 0; at < output.length;) {
    const end = output.indexOf('\n', at);
    const [name = '', type, size] = output.subarray(at, end).toString('latin1').split(' ');
    if (type !== 'blob') throw new RunError('git cat-file', 0, `${name} is ${type ?? 'nothing'}`);
    const start = end + 1;
    texts.set(name, output.subarray(start, start + Number(size)).toString('utf8'));
    at = start + Number(size) + 1;
  }
  return texts;
}

/** What git complains about, as one line without control characters: hints and progress are left out. */
export function complaint({ stderr }: RunError): string {
  const lines = stderr
    .split(/[\r\n]+/)
    .map((line) => line.replaceAll(/\p{Cc}/gu, ' ').trim())
    .filter((line) => line !== '' && !/^(hint|To |Everything|remote: *$)/.test(line));
  const text = lines.join('; ');
  return text.length > 400 ? `${text.slice(0, 399)}…` : text;
}
