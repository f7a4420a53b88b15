// After the last drill: no process and no state is left.
import { rmSync } from 'node:fs';
import { openInstance, strayProcesses } from '@gitops/local';
import { containerProcesses } from './faults.ts';
import { DRILL_FOLDER, succeed } from './stack.ts';

const instance = openInstance({ dir: DRILL_FOLDER });
await succeed(instance.dir, ['down']);
const left = [...strayProcesses(instance), ...containerProcesses(instance).map(({ pid }) => pid)];
if (left.length > 0) throw new Error(`processes ${left.join(', ')} are left after down`);
// KEEP_DRILLS=1 keeps logs and state of a failed run for a look.
if (process.env.KEEP_DRILLS === undefined) rmSync(instance.dir, { recursive: true, force: true });
