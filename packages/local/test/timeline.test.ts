import t from 'tap';
import { type Deployment, rolloutMinimum } from '../src/rollout-minimum.ts';
import { Timeline, timelineTable } from '../src/timeline.ts';

t.test('the table separates what is prescribed, and sums up', (t) => {
  const timeline = new Timeline(Date.now());
  timeline.add('bundle', 1.5);
  timeline.add('all healthy', 4);
  timeline.add('old pods out', 5.9);
  timeline.prescribe('all healthy', 2.5);
  timeline.prescribe('old pods out', 6);
  timeline.prescribe('never happened', 3);
  t.equal(
    timelineTable(timeline),
    [
      'PART          TIME    PRESCRIBED  REST',
      'bundle        1.5 s   -           1.5 s',
      'all healthy   4.0 s   2.5 s       1.5 s',
      'old pods out  5.9 s   5.9 s       -',
      'total         11.4 s  8.4 s       3.0 s',
    ].join('\n'),
  );
  t.end();
});

const deployment = (replicas: number, maxSurge: number | string, maxUnavailable: number | string): Deployment => ({
  spec: {
    replicas,
    minReadySeconds: 2,
    strategy: { rollingUpdate: { maxSurge, maxUnavailable } },
    template: { spec: { containers: [{ startupProbe: { periodSeconds: 1 } }] } },
  },
});

t.test('a rollout takes at least its steps, and the end of the last old pod', (t) => {
  const step = 1 + 0.3 + 2;
  t.match(rolloutMinimum(deployment(2, '25%', 0)), { first: step, others: step, deregistration: 6 });
  t.match(rolloutMinimum(deployment(4, 2, 0)), { first: step, others: step });
  t.match(rolloutMinimum(deployment(10, '25%', '25%')), { first: step, others: step }, '3 and 2 at once');
  t.match(rolloutMinimum(deployment(1, 1, 0)), { first: step, others: 0 });
  t.end();
});
