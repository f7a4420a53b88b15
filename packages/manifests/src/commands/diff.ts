import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { command } from '@gitops/report/command-line';
import { CommandError, UsageError } from '@gitops/report/errors';
import { text } from '@gitops/report/options';
import { table } from '@gitops/report/table';
import { labelOf } from '../render/fleet.ts';
import { acceptancesIn, HOW_TO_ACCEPT, judge, type JudgedChange, linesToAccept, verdictOf } from './acceptance.ts';
import { compare, type State } from './compare.ts';
import { diffComment, failedComment } from './diff-comment.ts';
import { difference } from './values-in-words.ts';
import { appOption, clusterFromOption, clusterToOption, warnOfUnchecked, withWorkspace } from './workspace.ts';

const DEFAULT_BASE = 'origin/main';

const revision = {
  placeholder: 'REVISION',
  example: 'main',
  problem: (given: string): string | undefined =>
    given.startsWith('-') ? `must be a commit or branch (it is ${JSON.stringify(given)})` : undefined,
};

export default command({
  summary: 'show what a merge would change in the clusters, and what that does',
  options: {
    base: text(`the revision to compare with, ${DEFAULT_BASE} by default`, revision),
    head: text('the revision that is merged, the work tree by default', revision),
    from: clusterFromOption,
    to: clusterToOption,
    app: appOption,
    markdown: text('a file to write as well: the text of a comment on a pull request', {
      placeholder: 'FILE',
      example: '.local/diff.md',
    }),
  },
  without: { cluster: 'it always compares every cluster' },
  run: async ({ options, json, print, fail }) =>
    withWorkspace(async ({ root, renderer, proofs }) => {
      const { base = DEFAULT_BASE, markdown } = options;
      const head = headOf(options);
      const { capabilities } = proofs;
      const comparison = await compare(renderer, root, { base, head }, { capabilities }).catch((error: unknown) => {
        // The comment of an earlier state would mislead.
        if (error instanceof CommandError && !(error instanceof UsageError) && markdown !== undefined)
          write(markdown, failedComment(error.message));
        throw error;
      });
      const { unchecked } = comparison;
      warnOfUnchecked(unchecked);
      // A promotion that is not there yet has no commits.
      const accepted = head.promotion === undefined ? await acceptancesIn(root, base, head.revision) : [];
      const { changes, unused } = judge(comparison.changes, accepted);
      for (const { commit, application, risk } of unused)
        process.stderr.write(
          `commit ${commit.slice(0, 7)} accepts ${application} ${risk}, of which nothing is blocked\n`,
        );
      if (markdown !== undefined) write(markdown, diffComment({ changes, unchecked: unchecked.map(labelOf), base }));
      if (json) print(JSON.stringify(changes, null, 2));
      else print(changes.length === 0 ? `nothing changes in any cluster compared with ${base}` : asTable(changes));
      const { length: blocked } = changes.filter(({ isBlocked }) => isBlocked);
      if (blocked === 0) return;
      if (!json) print(['', HOW_TO_ACCEPT, ...linesToAccept(changes).map((line) => `  ${line}`)].join('\n'));
      fail(
        blocked === 1 ? '1 change must not be merged as it is' : `${blocked} changes must not be merged as they are`,
      );
    }),
});

interface HeadOptions {
  readonly base?: string | undefined;
  readonly head?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly app?: string | undefined;
}

/** What the options compare with the base. Throws UsageError for half a promotion. */
function headOf({ base = DEFAULT_BASE, head, from, to, app }: HeadOptions): State {
  if (from === undefined && to === undefined) {
    if (app === undefined) return { revision: head };
    throw new UsageError('diff takes no APP without FROM and TO: it compares every application', 'leave it out');
  }
  if (from === undefined || to === undefined)
    throw new UsageError('FROM and TO belong together: they say what a promotion would change', 'name both clusters');
  if (head !== undefined)
    throw new UsageError('diff takes HEAD, or FROM and TO', 'a promotion is compared with BASE as it is');
  return { revision: base, promotion: { from, to, app } };
}

function write(file: string, content: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

function asTable(changes: readonly JudgedChange[]): string {
  const rows = changes.map((change) => [
    change.application,
    change.object,
    change.path || '(whole object)',
    ...valuesOf(change),
    `${verdictOf(change)}${change.consequence}`,
  ]);
  return table(['APPLICATION', 'OBJECT', 'FIELD', 'BEFORE', 'AFTER', 'WHAT HAPPENS'], rows);
}

/** A whole object would fill the table. */
const valuesOf = ({ path, before, after }: JudgedChange): [string, string] =>
  path === '' ? [before === undefined ? '-' : '…', after === undefined ? '-' : '…'] : difference(before, after);
