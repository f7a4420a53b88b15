import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { CommandError } from '@gitops/report/errors';
import type { Run, RunResult } from './k6.ts';
import type { RequestSample } from './request.ts';
import { HEY } from './scenarios.ts';
import type { Settings } from './settings.ts';

const CLIENTS = 20;
const DEFAULT_SECONDS = 60;

// hey sends one and the same request; this one is never answered from the cache. It costs the service half of what the
// mix of k6 costs, so twice as many are sent.
const RATE_FACTOR = 2;
const PATH = '/v1/overlaps';
const BODY = JSON.stringify({ cidrs: Array.from({ length: 100 }, (_, i) => `10.${i % 50}.0.0/16`) });

// A line for each answer: seconds, status, start in seconds after that of hey. Then one for each kind of failure.
const OUTPUT =
  '{{ range $i, $v := .Lats }}{{ printf "%.5f %d %.3f\\n" $v (index $.StatusCodes $i) (index $.Offsets $i) }}{{ end }}' +
  '{{ range $text, $count := .ErrorDist }}{{ printf "failed %d %s\\n" $count $text }}{{ end }}';

/** A constant rate by hey. It tells of its requests when all are done, and judges none. */
export function startHey(
  hey: string,
  { address, host, rate, seconds = DEFAULT_SECONDS }: Settings,
  onRequest: (sample: RequestSample) => void,
): Run {
  const start = Date.now();
  const child = spawn(
    hey,
    [
      ...['-z', `${seconds}s`, '-c', String(CLIENTS), '-q', String((RATE_FACTOR * rate) / CLIENTS), '-o', OUTPUT],
      ...['-m', 'POST', '-T', 'application/json', '-d', BODY],
      ...(host === undefined ? [] : ['-host', host]),
      `${address}${PATH}`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const stop = (): void => {
    child.kill('SIGINT');
  };
  process.once('exit', stop);
  const lines = createInterface({ input: child.stdout }).on('line', (line) => {
    for (const sample of samplesOf(line, start, Date.now())) onRequest(sample);
  });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (words += chunk));
  const result = new Promise<RunResult>((resolve, reject) => {
    child.on('error', reject);
    const closed = new Promise((done) => lines.on('close', done));
    child.on('close', (code) => {
      process.removeListener('exit', stop);
      void closed.then(() => {
        if (code === 0) resolve({ thresholds: [], dropped: 0 });
        else reject(new CommandError(`hey failed (${String(code)}): ${words.trim()}`, 'see its words above'));
      });
    });
  });
  return { result, stop };
}

/** The requests that a line of the output is about; when those without an answer failed, hey does not say. */
export function samplesOf(line: string, start: number, end: number): RequestSample[] {
  const common = { phase: HEY, method: 'POST', path: PATH };
  const [, count, error] = /^failed (\d+) (.*)$/.exec(line) ?? [];
  if (count !== undefined)
    return Array.from({ length: Number(count) }, () => ({
      ...common,
      time: end,
      status: 0,
      milliseconds: 0,
      expected: false,
      error,
    }));
  const [seconds, status, offset] = line.split(' ').map(Number);
  if (seconds === undefined || status === undefined || offset === undefined) return [];
  const time = start + (offset + seconds) * 1000;
  return [{ ...common, time, status, milliseconds: seconds * 1000, expected: status === 200, error: undefined }];
}
