import { readFileSync } from 'node:fs';
import { command } from '@gitops/report/command-line';
import { messageOf, UsageError } from '@gitops/report/errors';
import { text } from '@gitops/report/options';
import { openClone, openRemote, remoteOption, repositoryOf, requester } from '../clone.ts';
import { openGitHub } from '../github.ts';
import { type Emergency, type PromotionBranch, pushPromotion } from '../promotion.ts';
import { keepPullRequest, pullRequestText } from '../pull-request.ts';
import { shownURL } from '../remote.ts';
import { appOption, DEFAULT_APPLICATION, digestOption, fromOption, tagOption, toOption } from './options.ts';

const SHORTEST_REASON = 10;

export default command({
  summary: 'open a pull request that gives TO the image that FROM runs',
  options: {
    from: fromOption,
    to: toOption,
    app: appOption,
    digest: digestOption,
    tag: tagOption,
    effect: text('a file with the Markdown of `diff`, for the pull request', { placeholder: 'FILE' }),
    emergency: text('why the rules of promotion do not hold this time; recorded with your name', {
      placeholder: 'REASON',
      problem: (reason) =>
        reason.trim().length < SHORTEST_REASON ? `must say why, in ${SHORTEST_REASON} characters or more` : undefined,
    }),
    remote: remoteOption,
  },
  run: async ({ options, json, print }) => {
    const { from, to, app = DEFAULT_APPLICATION, digest, tag, effect, remote: given } = options;
    const clone = await openClone();
    const remote = await openRemote(given, clone);
    const github = openGitHub(remote.url);
    const rendered = effect === undefined ? undefined : readText(effect);
    const requestedBy = await requester(clone);
    const emergency = emergencyOf(options.emergency, requestedBy);
    if (emergency !== undefined)
      process.stderr.write(`EMERGENCY: the rules of promotion do not hold: ${emergency.reason} (${emergency.by})\n`);

    const pushed = await pushPromotion(remote, { from, to, app, digest, tag, requestedBy, emergency });
    if (pushed === undefined) {
      print(
        json ? JSON.stringify({ outcome: 'unchanged' }) : `${to} has this image of ${app} already; nothing was changed`,
      );
      return;
    }
    const words = pullRequestText(pushed.promotion, rendered);
    const pull = github === undefined ? undefined : await keepPullRequest(github, pushed, words);
    if (json) {
      const { branch, commit, promotion } = pushed;
      const { image, present, age, commits } = promotion;
      print(
        JSON.stringify({
          ...{ outcome: 'proposed', branch, commit, ...words, image, present, age, commits },
          pullRequest: pull === undefined ? undefined : { number: pull.number, url: pull.html_url },
        }),
      );
      return;
    }
    print(`${pushed.isNew ? 'pushed branch' : 'there is a branch already:'} ${pushed.branch}: ${words.title}`);
    print(pull === undefined ? whatToDo(remote.url, pushed) : `pull request ${pull.number}: ${pull.html_url}`);
  },
});

function emergencyOf(reason: string | undefined, by: string | undefined): Emergency | undefined {
  if (reason === undefined) return undefined;
  if (by === undefined)
    throw new UsageError('nobody says who declares the emergency', 'set user.name of Git, or GITHUB_ACTOR in CI');
  return { reason: reason.trim(), by };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(
      `EFFECT (--effect) cannot be read: ${messageOf(error)}`,
      'write it first: `make diff MARKDOWN=FILE`',
    );
  }
}

/** How to open the pull request without a token. */
function whatToDo(url: string, { branch, promotion }: PromotionBranch): string {
  const server = process.env.GITHUB_SERVER_URL ?? 'https://github.com';
  const isThere = URL.canParse(server) && shownURL(url).includes(new URL(server).host);
  const repository = isThere ? repositoryOf(url) : undefined;
  const where =
    repository === undefined
      ? `a pull request from ${branch} to main of ${shownURL(url)}`
      : `${server}/${repository}/compare/main...${branch}?expand=1`;
  const { commits, more } = promotion;
  return `GITHUB_TOKEN is not set, so open it yourself (--json has its text): ${where}\n${commits.length + more} commits in between`;
}
