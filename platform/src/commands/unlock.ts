import { command } from '@gitops/report/command-line';
import { text } from '@gitops/report/options';
import { chosenStacks, onEach, stackOption } from '../workspace.ts';

export default command({
  summary: 'remove the lock ID from the state of a stack whose holder was killed; asks first',
  options: {
    stack: stackOption,
    id: text('the ID of the lock, as the refused apply prints it', { isRequired: true, placeholder: 'LOCK' }),
  },
  without: { cluster: 'a lock belongs to one stack' },
  run: async ({ options, print }) =>
    onEach(await chosenStacks({ stack: options.stack }), print, async (tofu, stack) =>
      tofu.run(stack, ['force-unlock', options.id]),
    ),
});
