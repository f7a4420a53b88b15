import { command } from '@gitops/report/command-line';
import { PACKAGES, runSteps, TOOLS } from '../steps.ts';

export default command({
  summary: 'types, lint and unit tests of every package',
  options: {},
  run: async (invocation) => runSteps([TOOLS, PACKAGES], invocation),
});
