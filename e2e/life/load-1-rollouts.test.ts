import t from 'tap';
import { loadDrills } from '../src/load-drills.ts';
import { Stack } from '../src/stack.ts';

const stack = await Stack.open();

// The long form of each phase, with 20,000 requests and more, is soak/rollouts.test.ts.
t.test('no request is lost in rollout, rollback, drain and scale-in', async (t) =>
  loadDrills(t, stack, { rate: 200, requests: 3000, pods: 3, isPatient: false }),
);
