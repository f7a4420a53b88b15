import t from 'tap';
import { picture, pictureOption } from '../src/picture.ts';
import type { ReplicaSample } from '../src/replicas.ts';
import type { RunRecord } from '../src/run.ts';
import type { Second } from '../src/tally.ts';
import { clock, markers, tickSeconds } from '../src/time-axis.ts';

const START = Date.parse('2026-01-01T00:00:00Z');

const second = (time: number, requests: number, failed = 0): Second => ({
  time: START / 1000 + time,
  requests,
  answered: requests - failed,
  mistakes: 0,
  refused: 0,
  failed,
  p50: 1 + time,
  p95: 10 + time,
  p99: 20 + time,
});

const replica = (time: number, desired: number, ready: number): ReplicaSample => ({
  time: START + time * 1000,
  desired,
  ready,
  autoscaler: desired,
  cpuPercent: 140,
  image: undefined,
});

const record: RunRecord = {
  scenario: 'load',
  target: {
    address: 'http://127.0.0.1:1234',
    host: 'a<b&c',
    cluster: 'local',
    slo: { availability: 99.9, latency: { milliseconds: 100, percent: 95 } },
    kubeconfig: undefined,
  },
  rate: 400,
  start: START,
  total: { requests: 60, answered: 59, mistakes: 0, refused: 0, failed: 1, p50: 1, p95: 2, p99: 3 },
  dropped: 0,
  phases: [],
  thresholds: [],
  events: [
    { time: START, text: 'rise' },
    { time: START + 1000, text: '2 → 4 pods (CPU 140 %)' },
  ],
  scaling: undefined,
  seconds: [second(0, 10), second(1, 20, 1), second(2, 30)],
  replicas: [replica(0, 2, 2), replica(1, 4, 2), replica(2, 4, 4)],
  replicasProblem: undefined,
  failures: [],
};

/** The points of a line. */
function line(of: RunRecord, name: string): unknown {
  const { series } = pictureOption(of).option;
  if (!Array.isArray(series)) throw new Error('a picture has several lines');
  return series.find((each) => each.name === name)?.data;
}

t.test('each line of the picture holds what the samples say', (t) => {
  t.strictSame(line(record, 'all'), [
    [0.5, 10],
    [1.5, 20],
    [2.5, 30],
  ]);
  t.strictSame(
    line(record, 'failed'),
    [
      [0.5, null],
      [1.5, 1],
      [2.5, null],
    ],
    'only where a request failed',
  );
  t.strictSame(line(record, 'p50'), [
    [0.5, 1],
    [1.5, 2],
    [2.5, 3],
  ]);
  t.strictSame(line(record, 'p95'), [
    [0.5, 10],
    [1.5, 11],
    [2.5, 12],
  ]);
  t.strictSame(line(record, 'p99'), [
    [0.5, 20],
    [1.5, 21],
    [2.5, 22],
  ]);
  t.strictSame(line(record, 'desired'), [
    [0, 2],
    [1, 4],
    [2, 4],
  ]);
  t.strictSame(line(record, 'ready'), [
    [0, 2],
    [1, 2],
    [2, 4],
  ]);
  t.equal(line({ ...record, replicas: [] }, 'ready'), undefined, 'no panel of pods where none were read');
  t.end();
});

t.test('the SVG is well-formed, has titles with units, the objective, the events and both sets of colours', (t) => {
  const svg = picture(record);
  const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
  for (const expected of [
    'Load test “load”, 2026-01-01 00:00:00 UTC',
    'http://127.0.0.1:1234 (a&lt;b&amp;c): 60 requests, 1 of them without the right answer; usual rate 400/s',
    'Requests per second',
    'Latency in ms; dashed: the objective, 95 % within 100 ms',
    'Pods',
    'minutes:seconds after the first request',
    '1   0:00   rise',
    '2   0:01   2 → 4 pods (CPU 140 %)',
  ])
    t.ok(texts.includes(expected), expected);
  t.match(svg, /@media \(prefers-color-scheme: dark\)/);
  t.equal(
    tagProblem(svg.replaceAll(/<!\[CDATA\[[^]*?\]\]>/g, '')),
    undefined,
    'every tag is closed, and no attribute is torn by a quotation mark',
  );
  t.end();
});

/** What is not well-formed; undefined where all is. */
function tagProblem(svg: string): string | undefined {
  const open: string[] = [];
  const rest = svg.replaceAll(
    /<(\/?)([\w:]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/g,
    (_, end, name: string, __, closed) => {
      if (end === '/' && open.pop() !== name) open.push(`</${name}>`);
      else if (end === '' && closed === '') open.push(name);
      return '';
    },
  );
  return rest.includes('<') ? rest.slice(rest.indexOf('<'), rest.indexOf('<') + 80) : open[0];
}

t.test('times are written as people read them', (t) => {
  t.strictSame([0, 9.6, 95, 3661].map(clock), ['0:00', '0:10', '1:35', '61:01']);
  t.strictSame([3, 30, 300, 780, 3600, 86_400].map(tickSeconds), [1, 5, 30, 120, 300, 7200]);
  t.end();
});

t.test('numbers of events that are close to each other stand in different rows', (t) => {
  const events = [0, 1, 2, 100].map((seconds) => ({ time: START + seconds * 1000, text: '' }));
  t.strictSame(
    markers(events, START, 200, 400).map(({ level }) => level),
    [0, 1, 2, 0],
  );
  t.match(markers([{ time: START - 500, text: '' }], START, 10, 100), [{ number: 1, seconds: 0 }]);
  t.end();
});
