import { command } from '@gitops/report/command-line';
import { CommandError, UsageError } from '@gitops/report/errors';
import { openClone } from '../clone.ts';
import { askClone, gitIn } from '../git.ts';
import { readImageChanges } from '../image-changes.ts';
import { checkPromotions } from '../promotions.ts';

export default command({
  summary: 'check in the history of HEAD that every cluster only got images that the one before it ran',
  options: {},
  without: { cluster: 'it always checks every cluster', app: 'it always checks every application' },
  run: async ({ json, print, fail }) => {
    const clone = await openClone();
    if (clone?.head === undefined)
      throw new UsageError('not in a clone with a HEAD', 'run it in a clone of the repository');
    if ((await askClone(clone.root, 'rev-parse', '--is-shallow-repository')) === 'true')
      throw new CommandError('the clone is shallow, so its history is not whole', 'fetch all of it (fetch-depth: 0)');
    const folder = (await askClone(clone.root, 'rev-parse', '--absolute-git-dir')) ?? '';
    const changes = await readImageChanges(gitIn(folder), folder, clone.head);
    const { problems, emergencies } = checkPromotions(changes);
    if (json) print(JSON.stringify({ deployments: changes.length, problems, emergencies }));
    else {
      for (const line of emergencies) print(`EMERGENCY: ${line}`);
      for (const line of problems) print(line);
      if (problems.length === 0) print(`${changes.length} changes of image files: no problems`);
    }
    if (problems.length > 0) fail(`${problems.length} problem${problems.length === 1 ? '' : 's'}`);
  },
});
