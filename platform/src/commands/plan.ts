import { rmSync } from 'node:fs';
import { command } from '@gitops/report/command-line';
import { acceptedIn, planFile, planInWords, readPlan, requireAllowed } from '../changes/plan-changes.ts';
import { PLAN } from '../tofu.ts';
import { chosenStacks, clusterOption, onEach, platformFolder, repository, stackOption } from '../workspace.ts';
import { acceptOption } from './accept.ts';
import { offeredAddons } from './addons.ts';
import { requirePreconditions } from './preconditions.ts';
import { requireReleases } from './recover.ts';
import { helmRevisions } from './search.ts';
import { unsavedState } from './unsaved-state.ts';
import { inWords, upgradeSteps } from './upgrade.ts';

export default command({
  summary: 'show what an apply would change in AWS, in words too; fails where an apply would refuse it',
  options: { cluster: clusterOption, stack: stackOption, accept: acceptOption },
  run: async ({ options: { accept, ...chosen }, print }) =>
    onEach(await chosenStacks(chosen), print, async (tofu, stack) => {
      if (unsavedState(platformFolder, stack) !== undefined)
        print('the last apply could not store its state; `make apply` stores it first, and this plan is without it');
      await requirePreconditions(tofu, stack, print);
      await requireReleases(tofu, stack, { helmRevisions });
      const steps = await upgradeSteps(tofu, stack, repository, offeredAddons);
      if (steps.length > 0)
        print(`${inWords(steps)}\n\`make apply\` plans and asks before each; all of them together:`);
      const file = planFile(platformFolder, stack.name);
      try {
        await tofu.run(stack, [...PLAN, `-out=${file}`]);
        const planned = await readPlan(tofu, stack, file, acceptedIn(accept));
        const words = planInWords(planned);
        if (words !== '') print(words);
        requireAllowed(planned, stack, repository);
      } finally {
        rmSync(file, { force: true });
      }
    }),
});
