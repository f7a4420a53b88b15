import { command } from '@gitops/report/command-line';
import { runSteps, TOOLS, UNIT } from '../steps.ts';

export default command({
  summary: 'format, types, lint and unit tests of every package',
  options: {},
  run: async (invocation) => runSteps([TOOLS, UNIT], invocation),
});
