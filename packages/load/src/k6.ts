import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CommandError } from '@gitops/report/errors';
import type { RequestSample } from './request.ts';
import { scriptOf } from './scenarios.ts';
import type { Settings } from './settings.ts';
import type { Threshold } from './thresholds.ts';

/** What a run came to, besides its requests. */
export interface RunResult {
  readonly thresholds: readonly Threshold[];
  /** Requests that were due and not sent, since all clients were waiting for answers. */
  readonly dropped: number;
}

/** A program that sends requests. */
export interface Run {
  /** Throws CommandError where the program itself failed; thresholds that do not hold are in the result. */
  readonly result: Promise<RunResult>;
  /** Ends the run now. Requests without an answer yet are not counted. */
  readonly stop: () => void;
}

// What k6 ends with: all is well, a threshold does not hold, it was stopped from outside.
const EXPECTED_CODES = [0, 99, 105];
const SHOWN_LINES = 5;

/**
 * Runs a scenario. Each request is handed over as soon as k6 says that it ended, and not kept.
 * @param k6 the program
 */
export function startK6(
  k6: string,
  scenario: string,
  settings: Settings,
  onRequest: (sample: RequestSample) => void,
): Run {
  const scratch = mkdtempSync(join(tmpdir(), 'load-'));
  const summary = join(scratch, 'summary.json');
  // An address for k6's own API that two runs at once can have: any free one.
  const args = ['run', '--quiet', '--no-usage-report', '--no-color', '--address=127.0.0.1:0', '--out=json=-'];
  const child = spawn(k6, [...args, scriptOf(scenario)], {
    env: { PATH: process.env.PATH, HOME: scratch, LOAD: JSON.stringify(settings), SUMMARY: summary },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stop = (): void => {
    child.kill('SIGINT');
  };
  process.once('exit', stop);
  const words: string[] = [];
  const lines = createInterface({ input: child.stdout }).on('line', (line) => {
    const sample = sampleOf(line);
    if (sample !== undefined) onRequest(sample);
  });
  createInterface({ input: child.stderr }).on('line', (line) => {
    words.push(line);
    if (words.length > SHOWN_LINES) words.shift();
  });
  const result = new Promise<RunResult>((resolve, reject) => {
    child.on('error', reject);
    const closed = new Promise((done) => lines.on('close', done));
    child.on('close', (code) => {
      process.removeListener('exit', stop);
      void closed.then(() => {
        if (code !== null && EXPECTED_CODES.includes(code)) resolve(resultOf(summary));
        else reject(new CommandError(`k6 failed (${String(code)}): ${words.join(' / ')}`, 'see its words above'));
      });
    });
  }).finally(() => {
    rmSync(scratch, { recursive: true, force: true });
  });
  return { result, stop };
}

// Ten samples come with each request; this one has all that is needed.
const DURATION = '{"metric":"http_req_duration","type":"Point"';

/** A line of k6's output, where it is about the end of a request. */
export function sampleOf(line: string): RequestSample | undefined {
  if (!line.startsWith(DURATION)) return undefined;
  const { data } = JSON.parse(line) as {
    data: {
      time: string;
      value: number;
      tags: { scenario: string; method: string; status: string; expected_response: string; error?: string };
      metadata: { path: string };
    };
  };
  const { tags } = data;
  return {
    time: Date.parse(data.time),
    phase: tags.scenario,
    method: tags.method,
    path: data.metadata.path,
    status: Number(tags.status),
    milliseconds: data.value,
    expected: tags.expected_response === 'true',
    error: tags.error,
  };
}

const MEASURES = { http_req_failed: 'failed', http_req_lost: 'lost', http_req_duration: 'latency' } as const;

/** The thresholds of a run from the summary that the scenario wrote. */
function resultOf(file: string): RunResult {
  const { metrics } = JSON.parse(readFileSync(file, 'utf8')) as {
    metrics: Record<
      string,
      { values: Record<string, number | undefined>; thresholds?: Record<string, { ok: boolean }> }
    >;
  };
  const found: Threshold[] = [];
  for (const [name, { values, thresholds = {} }] of Object.entries(metrics)) {
    const [, metric = '', phase = ''] = /^(\w+)\{scenario:(.+)\}$/.exec(name) ?? [];
    if (!(metric in MEASURES)) continue;
    const measure = MEASURES[metric as keyof typeof MEASURES];
    for (const [rule, { ok: holds }] of Object.entries(thresholds)) {
      const [, aggregate = '', percent, below = ''] = /^(rate|p\((.+)\))<(.+)$/.exec(rule) ?? [];
      found.push({
        phase,
        measure,
        percent: percent === undefined ? undefined : Number(percent),
        below: Number(below),
        value: values[aggregate],
        holds,
      });
    }
  }
  return { thresholds: found, dropped: metrics.dropped_iterations?.values.count ?? 0 };
}
