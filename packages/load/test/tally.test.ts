import t from 'tap';
import { samplesOf } from '../src/hey.ts';
import { Histogram } from '../src/histogram.ts';
import { sampleOf } from '../src/k6.ts';
import type { RequestSample } from '../src/request.ts';
import { Tally } from '../src/tally.ts';

const START = Date.parse('2026-01-01T00:00:00Z');
const sample = (seconds: number, change: Partial<RequestSample> = {}): RequestSample => ({
  time: START + seconds * 1000,
  phase: 'steady',
  method: 'GET',
  path: '/v1/x',
  status: 200,
  milliseconds: 5,
  expected: true,
  error: undefined,
  ...change,
});

t.test('percentiles are exact to one percent', (t) => {
  const histogram = new Histogram();
  for (let value = 1; value <= 1000; value += 1) histogram.add(value);
  for (const percent of [50, 95, 99, 100]) {
    const exact = percent * 10;
    t.ok(Math.abs((histogram.percentile(percent) ?? 0) - exact) / exact < 0.01, `p${percent}`);
  }
  t.equal(new Histogram().percentile(50), undefined);
  t.end();
});

t.test('requests are counted by what they came to, in all, by second and by phase', (t) => {
  const tally = new Tally();
  tally.add(sample(0.1));
  tally.add(sample(0.9, { status: 404, milliseconds: 50 }));
  tally.add(sample(2.5, { status: 503, expected: false }));
  const refusal = { status: 0, milliseconds: 0, expected: false, error: 'dial: connection refused' };
  tally.add(sample(2.6, { ...refusal, phase: 'quiet' }));
  t.match(tally.total, { requests: 4, answered: 1, mistakes: 1, refused: 1, failed: 1 });
  t.ok((tally.total.p50 ?? 0) > 4.9, 'a request without an answer has no latency');
  t.match(tally.seconds, [
    { time: START / 1000, requests: 2, answered: 1, mistakes: 1 },
    { time: START / 1000 + 1, requests: 0, p50: undefined },
    { time: START / 1000 + 2, requests: 2, refused: 1, failed: 1 },
  ]);
  t.match(tally.phases, [
    { name: 'steady', requests: 3, from: START + 100, to: START + 2500 },
    { name: 'quiet', requests: 1 },
  ]);
  t.strictSame(tally.failures, [
    { time: START + 2500, method: 'GET', path: '/v1/x', status: 503, error: undefined },
    { time: START + 2600, method: 'GET', path: '/v1/x', status: 0, error: 'dial: connection refused' },
  ]);
  t.end();
});

t.test('a line of k6 is a request where it is about the duration of one', (t) => {
  const line =
    '{"metric":"http_req_duration","type":"Point","data":{"time":"2026-01-01T00:00:01.5Z","value":1.8,"tags":' +
    '{"error":"EOF","expected_response":"false","method":"GET","scenario":"top","status":"0"},"metadata":{"path":"/v1/x"}}}';
  t.strictSame(sampleOf(line), {
    ...sample(1.5),
    phase: 'top',
    status: 0,
    milliseconds: 1.8,
    expected: false,
    error: 'EOF',
  });
  t.equal(sampleOf(line.replace('http_req_duration', 'http_req_waiting')), undefined);
  t.end();
});

t.test('a line of hey is one answer, or the failures of one kind', (t) => {
  const common = { phase: 'hey', method: 'POST', path: '/v1/overlaps' };
  t.strictSame(samplesOf('0.00500 200 1.495', START, START + 9000), [{ ...sample(1.5), ...common }]);
  t.match(samplesOf('0.00500 503 1.495', START, START), [{ status: 503, expected: false }]);
  const failed = samplesOf('failed 2 Post "http://x": EOF', START, START + 9000);
  t.equal(failed.length, 2);
  t.match(failed[0], { status: 0, expected: false, error: 'Post "http://x": EOF', time: START + 9000 });
  t.strictSame(samplesOf('', START, START), []);
  t.end();
});
