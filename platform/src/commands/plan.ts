import { command } from '@gitops/report/command-line';
import { PLAN } from '../tofu.ts';
import { chosenStacks, clusterOption, onEach, stackOption } from '../workspace.ts';

export default command({
  summary: 'show what an apply would change in AWS',
  options: { cluster: clusterOption, stack: stackOption },
  run: async ({ options, print }) =>
    onEach(await chosenStacks(options), print, async (tofu, stack) => tofu.run(stack, PLAN)),
});
