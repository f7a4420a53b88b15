import t from 'tap';
import { age, describePod, type Pod, podsTable, quantity } from '../src/pods.ts';

const pod: Pod = {
  metadata: { namespace: 'app', name: 'app-1' },
  spec: { nodeName: 'machine-a', containers: [{ image: 'registry.internal/app:1.0@sha256:0123456789abcdef' }] },
  status: {
    phase: 'Running',
    startTime: '2026-01-01T00:00:00Z',
    containerStatuses: [{ ready: true, restartCount: 2, state: { running: {} } }],
  },
};
const machine = new Set(['machine-a']);
const stateOf = (changes: Partial<Pod['status']>): string =>
  describePod({ ...pod, status: { ...pod.status, ...changes } }, machine, undefined).state;

t.test('a pod is a process on a node of this machine, and simulated on any other', (t) => {
  const usage = { cpu: '12345678n', memory: '2048Ki' };
  t.same(describePod(pod, machine, { metadata: pod.metadata, containers: [{ usage }, { usage }] }), {
    namespace: 'app',
    name: 'app-1',
    node: 'machine-a',
    real: true,
    state: 'Running',
    ready: 1,
    containers: 1,
    restarts: 2,
    startTime: '2026-01-01T00:00:00Z',
    images: ['registry.internal/app:1.0@sha256:0123456789abcdef'],
    messages: [],
    cpu: 25,
    memory: 4 * 2 ** 20,
  });
  const elsewhere = describePod({ ...pod, spec: { ...pod.spec, nodeName: 'simulated-a' } }, machine, undefined);
  t.match(elsewhere, { real: false, cpu: undefined, memory: undefined });
  t.equal(
    podsTable([describePod(pod, machine, undefined), elsewhere], Date.parse('2026-01-01T00:03:00Z')),
    [
      'POD    NODE         RUNS AS    READY  STATE    RESTARTS  AGE  CPU  MEMORY  IMAGE',
      'app-1  machine-a    process    1/1    Running  2         3m   -    -       app:1.0@0123456',
      'app-1  simulated-a  simulated  1/1    Running  2         3m   -    -       app:1.0@0123456',
    ].join('\n'),
  );
  t.end();
});

t.test('the state of a pod is the reason why it does not run', (t) => {
  const waiting = { ready: false, restartCount: 0, state: { waiting: { reason: 'ImagePullBackOff' } } };
  t.equal(stateOf({ phase: 'Pending', containerStatuses: [waiting] }), 'ImagePullBackOff');
  const ended = { ready: false, restartCount: 0, state: { terminated: { reason: 'OOMKilled' } } };
  t.equal(stateOf({ containerStatuses: [ended] }), 'OOMKilled');
  const { containerStatuses: _, ...unscheduled } = pod.status;
  const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }];
  const pending = { ...pod, status: { ...unscheduled, phase: 'Pending', conditions } };
  t.match(describePod({ ...pending, spec: { containers: [] } }, machine, undefined), {
    state: 'Unschedulable',
    node: undefined,
    real: false,
  });
  t.equal(stateOf({ phase: 'Failed', reason: 'Evicted', containerStatuses: [] }), 'Evicted');
  const going = { ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
  t.equal(describePod(going, machine, undefined).state, 'Terminating');
  t.end();
});

t.test('a pod that does not run says why in the words of its node', (t) => {
  const messagesOf = (changes: Partial<Pod['status']>): readonly string[] =>
    describePod({ ...pod, status: { ...pod.status, ...changes } }, machine, undefined).messages;
  const lastState = { terminated: { reason: 'StartError', message: 'port 8080 is in use' } };
  const state = { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 20s restarting failed container' } };
  t.same(messagesOf({ containerStatuses: [{ ready: false, restartCount: 2, state, lastState }] }), [
    'port 8080 is in use',
  ]);
  t.same(messagesOf({ containerStatuses: [{ ready: true, restartCount: 2, state: { running: {} }, lastState }] }), []);
  t.same(messagesOf({ phase: 'Failed', message: 'no hostPID here', containerStatuses: [] }), ['no hostPID here']);
  t.end();
});

t.test('quantities and ages', (t) => {
  t.same(['250m', '1', '5000n', '3Mi', '7'].map(quantity), [0.25, 1, 5e-6, 3 * 2 ** 20, 7]);
  const start = '2026-01-01T00:00:00Z';
  const after = (seconds: number): string => age(start, Date.parse(start) + seconds * 1000);
  t.same([0, 119, 120, 7199, 7200, 172_799, 172_800].map(after), ['0s', '119s', '2m', '119m', '2h', '47h', '2d']);
  t.equal(age(undefined, 0), '-');
  t.end();
});
