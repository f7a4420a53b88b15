import type { V1Deployment, V1EndpointSlice, V2HorizontalPodAutoscaler } from '@kubernetes/client-node';
import t from 'tap';
import { eventsOf, scalingOf } from '../src/events.ts';
import { type ReplicaSample, replicaSample } from '../src/replicas.ts';
import { Tally } from '../src/tally.ts';

const START = Date.parse('2026-01-01T00:00:00Z');

/** A sample a second: [desired, ready]. */
const run = (...counts: readonly (readonly [number, number])[]): ReplicaSample[] =>
  counts.map(([desired, ready], second) => ({
    time: START + second * 1000,
    desired,
    ready,
    autoscaler: desired,
    cpuPercent: 148,
    image: 'registry.internal/fastify-service:0.1.0@sha256:aa',
  }));

t.test('pods are desired by the Deployment and ready by the EndpointSlices', (t) => {
  const deployment = {
    spec: { replicas: 3, selector: {}, template: { spec: { containers: [{ name: 'x', image: 'r/x:1' }] } } },
  } as unknown as V1Deployment;
  const endpoint = (ready: boolean, terminating = false) => ({ addresses: [], conditions: { ready, terminating } });
  const slices = [
    { addressType: 'IPv4', endpoints: [endpoint(true), endpoint(false)] },
    { addressType: 'IPv4', endpoints: [endpoint(true), endpoint(true, true)] },
  ] as unknown as V1EndpointSlice[];
  const autoscaler = {
    status: {
      desiredReplicas: 4,
      currentMetrics: [
        {
          type: 'ContainerResource',
          containerResource: { name: 'cpu', container: 'x', current: { averageUtilization: 130 } },
        },
      ],
    },
  } as unknown as V2HorizontalPodAutoscaler;
  t.strictSame(replicaSample(START, deployment, slices, autoscaler), {
    time: START,
    desired: 3,
    ready: 2,
    autoscaler: 4,
    cpuPercent: 130,
    image: 'r/x:1',
  });
  t.match(replicaSample(START, deployment, [], undefined), { ready: 0, autoscaler: undefined, cpuPercent: undefined });
  t.end();
});

t.test('events are the phases, changes of the number of pods with their reason, and rollouts', (t) => {
  const tally = new Tally();
  for (const [phase, seconds] of [
    ['rise', 0],
    ['steady', 2],
  ] as const)
    tally.add({
      time: START + seconds * 1000,
      phase,
      method: 'GET',
      path: '/',
      status: 200,
      milliseconds: 1,
      expected: true,
      error: undefined,
    });
  const samples = run([2, 2], [4, 2], [4, 4], [4, 4]);
  const [, , , last] = samples;
  if (last !== undefined) samples[3] = { ...last, image: 'registry.internal/fastify-service:0.2.0@sha256:bb' };
  t.strictSame(eventsOf(tally.phases, samples), [
    { time: START, text: 'rise' },
    { time: START + 1000, text: '2 → 4 pods (CPU 148 %)' },
    { time: START + 2000, text: 'steady' },
    { time: START + 3000, text: 'rollout of 0.2.0' },
  ]);
  t.strictSame(eventsOf(tally.phases.slice(0, 1), []), [], 'a single phase begins with the run');
  t.end();
});

t.test('scaling says when it was decided, when all were ready, and how often it turned', (t) => {
  t.strictSame(scalingOf(run([2, 2], [2, 2], [4, 2], [4, 4], [3, 4], [2, 2]), START), {
    lowest: 2,
    highest: 4,
    decided: 2,
    ready: 3,
    turns: 1,
  });
  t.match(scalingOf(run([2, 2], [3, 2], [2, 2], [3, 3]), START), { turns: 2 }, 'flapping');
  t.match(scalingOf(run([2, 2], [2, 2]), START), { decided: undefined, ready: undefined, turns: 0 });
  t.match(scalingOf(run([2, 2], [4, 3]), START), { decided: 1, ready: undefined });
  t.equal(scalingOf([], START), undefined);
  t.end();
});
