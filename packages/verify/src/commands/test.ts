import { command } from '@gitops/report/command-line';
import { INTEGRATION, LIFE, runSteps, TOOLS, UNIT } from '../steps.ts';

export default command({
  summary: 'format, types, lint, unit and integration tests, and the drills against real stacks of their own',
  options: {},
  run: async (invocation) => runSteps([TOOLS, UNIT, INTEGRATION, LIFE], invocation),
});
