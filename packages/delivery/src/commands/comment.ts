import { readFileSync } from 'node:fs';
import { command } from '@gitops/report/command-line';
import { messageOf, UsageError } from '@gitops/report/errors';
import { integer, text } from '@gitops/report/options';
import { openClone, openRemote, remoteOption } from '../clone.ts';
import { keepComment } from '../comment.ts';
import { openGitHub } from '../github.ts';

export default command({
  summary: 'keep one comment on a pull request up to date: the Markdown of a file',
  options: {
    body: text('the file', { placeholder: 'FILE', isRequired: true, example: '.local/diff.md' }),
    pullRequest: integer('the number of the pull request; by default that of GITHUB_REF', { least: 1 }),
    remote: remoteOption,
  },
  run: async ({ options: { body, pullRequest, remote: given }, json, print }) => {
    const number = pullRequest ?? numberInRef();
    let content: string;
    try {
      content = readFileSync(body, 'utf8');
    } catch (error) {
      throw new UsageError(
        `BODY (--body) cannot be read: ${messageOf(error)}`,
        'write it first: `make diff MARKDOWN=FILE`',
      );
    }
    const remote = await openRemote(given, await openClone());
    const github = openGitHub(remote.url);
    if (github === undefined)
      throw new UsageError('GITHUB_TOKEN is missing', 'give the job its token (permissions: pull-requests: write)');
    const written = await keepComment(github, number, 'diff', content);
    if (json) print(JSON.stringify({ pullRequest: number, ...written }));
    else
      print(
        `the comment on pull request ${number} is ${written.outcome}${written.url === undefined ? '' : `: ${written.url}`}`,
      );
  },
});

function numberInRef(): number {
  const [, number] = /^refs\/pull\/([1-9]\d*)\//.exec(process.env.GITHUB_REF ?? '') ?? [];
  if (number === undefined)
    throw new UsageError(
      'PULL_REQUEST (--pull-request) is missing, and GITHUB_REF names no pull request',
      'for instance PULL_REQUEST=12',
    );
  return Number(number);
}
