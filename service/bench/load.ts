import { runProgram } from './children.ts';
import type { ClosedLoop, ClosedLoopResult } from './closed-loop.ts';
import type { OpenLoop, OpenLoopResult } from './open-loop.ts';

/** Runs closed-loop.ts. */
export async function closedLoop(options: ClosedLoop): Promise<ClosedLoopResult> {
  return (await runProgram('closed-loop.ts', options)) as ClosedLoopResult;
}

/** Runs open-loop.ts. */
export async function openLoop(options: OpenLoop): Promise<OpenLoopResult> {
  return (await runProgram('open-loop.ts', options)) as OpenLoopResult;
}
