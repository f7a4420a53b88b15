import t from 'tap';
import { loadDrills } from '../src/load-drills.ts';
import { Stack } from '../src/stack.ts';

const stack = await Stack.open();

t.test('no request of 20,000 and more is lost in each of rollout, rollback, drain and scale-in', async (t) =>
  loadDrills(t, stack, { rate: 250, requests: 20_000, pods: 3, isPatient: true }),
);
