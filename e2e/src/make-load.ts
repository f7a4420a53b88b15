import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Stack } from './stack.ts';

/** What `make load` says of a run, as far as drills read it. Times in seconds after the first request. */
export interface LoadSummary {
  readonly total: { readonly requests: number; readonly failed: number; readonly refused: number };
  readonly dropped: number;
  readonly scaling?: {
    readonly lowest: number;
    readonly highest: number;
    readonly decided?: number;
    readonly ready?: number;
    readonly turns: number;
  };
}

/** Runs `make load` on a stack: its exit code, 1 where an objective is not kept, and its summary. */
export async function makeLoad(
  { instance }: Stack,
  scenario: string,
  options: { readonly duration?: string; readonly rate?: number } = {},
): Promise<{ code: number | null; summary: LoadSummary; stderr: string }> {
  const program = fileURLToPath(import.meta.resolve('@gitops/load/main'));
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(process.execPath, [program, 'load', scenario, '--json', ...args], {
    env: { ...process.env, PLATFORM_LOCAL_DIR: instance.dir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  return new Promise((resolve, reject) => {
    child.on('close', (code) => {
      try {
        resolve({ code, summary: JSON.parse(stdout) as LoadSummary, stderr });
      } catch {
        reject(new Error(`make load ended with ${String(code)}: ${stderr}`));
      }
    });
  });
}

/** What the autoscaler did, beside what is asked of it. */
export function scalingText({ scaling, total, dropped }: LoadSummary): string {
  const seconds = (value: number | undefined): string => (value === undefined ? 'never' : `${value} s`);
  return [
    `pods: ${scaling?.lowest ?? 0} to ${scaling?.highest ?? 0}`,
    `decided after ${seconds(scaling?.decided)} (asked: 15 s), all ready after ${seconds(scaling?.ready)} (asked: 20 s)`,
    `changes of direction: ${scaling?.turns ?? 0} (asked: at most 1)`,
    `requests: ${total.requests}, ${total.failed} failed, ${total.refused} refused, ${dropped} due and not sent`,
  ].join('\n');
}
