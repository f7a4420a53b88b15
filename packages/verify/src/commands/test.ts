import { command } from '@gitops/report/command-line';
import { INTEGRATION, runSteps, TOOLS, UNIT } from '../steps.ts';

export default command({
  summary: 'format, types, lint, unit and integration tests, and the drills against a real stack of their own',
  options: {},
  run: async (invocation) => runSteps([TOOLS, UNIT, INTEGRATION], invocation),
});
