import t from 'tap';
import { scaleOut } from '../src/autoscaler-drill.ts';
import { Stack } from '../src/stack.ts';

const stack = await Stack.open();

// That it takes them away again, after the five minutes of the chart, is seen in soak/autoscaler.test.ts.
t.test('the autoscaler adds pods under load', async (t) => scaleOut(t, stack, '30s'));
