import { command } from '@gitops/report/command-line';
import { text } from '@gitops/report/options';
import { table } from '@gitops/report/table';
import { blocking } from '../kubernetes/changes.ts';
import { type ApplicationChange, compare } from './compare.ts';
import { brief } from './values-in-words.ts';
import { warnOfUnchecked, withWorkspace } from './workspace.ts';

const DEFAULT_BASE = 'origin/main';

export default command({
  summary: 'show what merging the work tree would change in the clusters, and what that does',
  options: { base: text(`the revision to compare with, ${DEFAULT_BASE} by default`, { placeholder: 'REVISION' }) },
  without: {
    cluster: 'it always compares every cluster',
    app: 'it always compares every application',
  },
  run: async ({ options: { base = DEFAULT_BASE }, json, print, fail }) =>
    withWorkspace(async ({ root, renderer, proofs }) => {
      const { changes, unchecked } = await compare(renderer, root, base, { capabilities: proofs.capabilities });
      warnOfUnchecked(unchecked);
      if (json) print(JSON.stringify(changes, null, 2));
      else print(changes.length === 0 ? `nothing changes in any cluster compared with ${base}` : asTable(changes));
      const { length: blocked } = changes.filter(blocking);
      if (blocked > 0) fail(`${blocked} change${blocked === 1 ? '' : 's'} must not be merged as they are`);
    }),
});

function asTable(changes: readonly ApplicationChange[]): string {
  const rows = changes.map((change) => [
    change.application,
    change.object,
    change.path || '(whole object)',
    brief(change.before),
    brief(change.after),
    `${blocking(change) ? 'BLOCKED: ' : ''}${change.consequence}`,
  ]);
  return table(['APPLICATION', 'OBJECT', 'FIELD', 'BEFORE', 'AFTER', 'WHAT HAPPENS'], rows);
}
