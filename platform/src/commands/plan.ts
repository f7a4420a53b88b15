import { command } from '@gitops/report/command-line';
import { PLAN } from '../tofu.ts';
import { chosenStacks, clusterOption, onEach, repository, stackOption } from '../workspace.ts';
import { inWords, upgradeSteps } from './upgrade.ts';

export default command({
  summary: 'show what an apply would change in AWS',
  options: { cluster: clusterOption, stack: stackOption },
  run: async ({ options, print }) =>
    onEach(await chosenStacks(options), print, async (tofu, stack) => {
      const steps = await upgradeSteps(tofu, stack, repository);
      if (steps.length > 0)
        print(`${inWords(steps)}\n\`make apply\` plans and asks before each; all of them together:`);
      await tofu.run(stack, PLAN);
    }),
});
