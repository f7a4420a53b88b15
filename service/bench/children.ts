import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';

/** The core of whatever is measured, and the core of whatever puts load on it. */
export const CORES = { measured: '0', load: '1' } as const;

const running = new Set<ChildProcess>();

// However this process ends, nothing stays behind.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    process.exit(130);
  });
}

/** Starts `node <args>` on one core. It ends at the latest with this process. */
export function startNode(core: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  // taskset becomes node, so the child is node itself.
  const child = spawn('taskset', ['-c', core, process.execPath, ...args], options);
  running.add(child);
  child.on('close', () => running.delete(child));
  return child;
}

/** Runs a program of this folder with its options as JSON on the core for load, and gives what it prints as JSON. */
export async function runProgram(file: string, options: object): Promise<unknown> {
  const child = startNode(CORES.load, [`${import.meta.dirname}/${file}`, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${file} ended with ${String(code)}`);
  return JSON.parse(output);
}
