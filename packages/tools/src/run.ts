import { type ChildProcess, spawn } from 'node:child_process';

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Written to the program's standard input. */
  readonly input?: string;
  /** Called with each line of standard error as it comes. */
  readonly onErrorLine?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** A program ended with a code other than 0, or could not be started (code null). */
export class RunError extends Error {
  readonly code: number | null;
  readonly stderr: string;

  constructor(command: string, code: number | null, stderr: string) {
    super(`${command} failed${code === null ? '' : ` (exit code ${code})`}: ${stderr.trim()}`);
    this.name = 'RunError';
    this.code = code;
    this.stderr = stderr;
  }
}

const running = new Set<ChildProcess>();
// Whatever ends this program, an interrupt included, ends what it waits for.
process.on('exit', () => {
  for (const child of running) child.kill('SIGTERM');
});

/** Runs a program to its end and gives its standard output. Throws RunError. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: 'pipe',
      signal: options.signal,
    });
    running.add(child);
    let stdout = '';
    let stderr = '';
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk;
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) options.onErrorLine?.(line);
    });
    child.on('error', (error) => {
      running.delete(child);
      reject(new RunError(command, null, error.message));
    });
    child.on('close', (code) => {
      running.delete(child);
      if (code === 0) resolve(stdout);
      else reject(new RunError(`${command} ${args.slice(0, 2).join(' ')}`, code, stderr));
    });
    // A program that ends without reading its input is judged by its exit code, not by the broken pipe.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}
