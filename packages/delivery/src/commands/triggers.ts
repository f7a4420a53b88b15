import { command } from '@gitops/report/command-line';
import { UsageError } from '@gitops/report/errors';
import { text } from '@gitops/report/options';
import { openClone } from '../clone.ts';
import { askClone, gitIn } from '../git.ts';
import { releaseReason } from '../triggers.ts';

export default command({
  summary: 'say whether what came to main since BASE needs a release: release=true or release=false',
  options: {
    base: text('main before the push', { placeholder: 'COMMIT', isRequired: true, example: 'HEAD~1' }),
  },
  run: async ({ options: { base }, json, print }) => {
    const clone = await openClone();
    if (clone?.head === undefined)
      throw new UsageError('not in a clone with a HEAD', 'run it in a clone of the repository');
    const folder = (await askClone(clone.root, 'rev-parse', '--absolute-git-dir')) ?? '';
    const { commits, files } = await releaseReason(gitIn(folder), base, clone.head);
    const release = files.length > 0;
    for (const file of files) process.stderr.write(`the image is built from ${file}\n`);
    print(json ? JSON.stringify({ release, commits, files }) : `release=${String(release)}`);
  },
});
