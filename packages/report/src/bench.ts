import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from './errors.ts';
import { type Measure, measureTable } from './measure.ts';

/** Notes what could not be measured; the benchmark continues with the rest and ends with exit code 1. */
export type Fail = (what: string) => void;

/** A part of a benchmark by its name: it measures one thing, and gives what it could measure. */
export type Parts = Readonly<Record<string, (fail: Fail) => Promise<readonly Measure[]>>>;

/** What a benchmark came to. */
export interface BenchResult {
  readonly measures: readonly Measure[];
  /** One line for each thing that could not be measured, with the name of its part. */
  readonly failures: readonly string[];
}

/** Runs the parts one after the other. One that fails loses its own figures and those of no other part. */
export async function runParts(parts: Parts): Promise<BenchResult> {
  const measures: Measure[] = [];
  const failures: string[] = [];
  for (const [name, measure] of Object.entries(parts)) {
    const fail: Fail = (what) => {
      failures.push(`${name}: ${what}`);
      process.stderr.write(`error: ${name}: ${what}\n`);
    };
    try {
      measures.push(...(await measure(fail)));
    } catch (error) {
      fail(messageOf(error));
    }
  }
  return { measures, failures };
}

/**
 * Writes a result to a file as JSON and prints it, as a table or as the same JSON. The exit code is 1 where something
 * could not be measured.
 * @param result may hold more than measures and failures, such as the number of rounds
 */
export function reportBench(
  result: BenchResult & { readonly rounds?: number },
  { file, json }: { file: string; json: boolean },
): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  if (json) console.log(JSON.stringify(result));
  else {
    const { measures, failures } = result;
    const notMeasured = failures.map((failure) => `not measured: ${failure}\n`).join('');
    console.log(`\n${measures.length > 0 ? `${measureTable(measures)}\n` : ''}\n${notMeasured}written to ${file}`);
  }
  if (result.failures.length > 0) process.exitCode = 1;
}
