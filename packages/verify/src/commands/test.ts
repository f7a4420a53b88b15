import { command } from '@gitops/report/command-line';
import { DRILLS, PACKAGES, runSteps, TOOLS } from '../steps.ts';

export default command({
  summary: 'types, lint and unit tests of every package, then the drills against a real stack of their own',
  options: {},
  run: async (invocation) => runSteps([TOOLS, PACKAGES, DRILLS], invocation),
});
