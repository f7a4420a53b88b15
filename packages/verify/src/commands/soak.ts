import { durationOption } from '@gitops/load/duration';
import { command } from '@gitops/report/command-line';
import { runSteps, SOAK, TOOLS } from '../steps.ts';

export default command({
  summary: 'the long drills under load, against a real stack of their own',
  options: { duration: durationOption('how long the load lasts, 1h by default') },
  run: async (invocation) => {
    // The drills read it from the environment, as make gives it.
    process.env.DURATION = invocation.options.duration ?? '1h';
    await runSteps([TOOLS, SOAK], invocation);
  },
});
