import { CommandError } from '@gitops/report/errors';
import type { GitHub, PullRequest } from './github.ts';
import { codeBlock, cut, folded, inlineCode, LONGEST_BODY } from './markdown.ts';
import { trailerLines } from './message.ts';
import { branchPrefix, type Promotion, type PromotionBranch } from './promotion.ts';

/** What a promotion's pull request says. */
export interface PullRequestText {
  readonly title: string;
  /** Markdown */
  readonly body: string;
}

/**
 * The text of a promotion's pull request: what changes, the commits in between, and what it does to the clusters.
 * @param effect Markdown of `make diff`; undefined where nobody rendered it
 * Throws CommandError where the effect leaves no room.
 */
export function pullRequestText(promotion: Promotion, effect: string | undefined): PullRequestText {
  const { wish, image, present, title, trailers } = promotion;
  const shown = ({ tag, digest }: typeof image): string => `${inlineCode(tag)} ${inlineCode(digest)}`;
  const parts = [
    ...(wish.emergency === undefined
      ? []
      : [
          `> [!CAUTION]\n> **Emergency.** The rules of promotion do not hold for this one, because of ${inlineCode(wish.emergency.reason, 1000)} (${inlineCode(wish.emergency.by)}).`,
        ]),
    `${inlineCode(wish.to)} gets the image that ${inlineCode(wish.from)} ${wish.emergency === undefined ? 'ran' : 'names'}:`,
    `- before: ${shown(present)}\n- after: ${shown(image)}`,
    commitsInWords(promotion),
    effect === undefined
      ? 'What it does to the cluster was not rendered: see the comment of CI, or `make diff` on this branch.'
      : effect.trim(),
    // A squash merge takes this text as its message.
    codeBlock(
      trailerLines(trailers)
        .split('\n')
        .map((line) => cut(line, 1000)),
    ),
  ];
  const body = `${parts.join('\n\n')}\n`;
  if (body.length > LONGEST_BODY)
    throw new CommandError(
      `the text of the pull request has ${body.length} characters, and GitHub takes ${LONGEST_BODY}`,
      'give a shorter --effect, or none',
    );
  return { title: cut(title, 200), body };
}

function commitsInWords({ age, commits, more, wish }: Promotion): string {
  switch (age) {
    case 'same':
      return 'Both were built from the same commit.';
    case 'unknown':
      return 'The commits in between are unknown: no commit of main says what one of the two was built from.';
    case 'unrelated':
      return 'The two builds have no order: neither contains the other.';
    default: {
      const count = commits.length + more;
      const lines = commits.map(({ commit, author, subject }) =>
        cut(`${commit.slice(0, 10)} ${subject} (${author})`, 110),
      );
      if (more > 0) lines.push(`… and ${more} more`);
      const summary = `Commits that ${age === 'newer' ? `come to ${wish.to}` : `are taken from ${wish.to}`}: ${count}`;
      return count === 0 ? summary : folded(`<b>${summary}</b>`, codeBlock(lines));
    }
  }
}

/**
 * Opens the pull request of a promotion, or brings the text of the open one up to date, and closes those that it replaces.
 */
export async function keepPullRequest(
  github: GitHub,
  { promotion, branch }: PromotionBranch,
  { title, body }: PullRequestText,
): Promise<PullRequest> {
  const prefix = branchPrefix(promotion.wish);
  // A fork may have branches of the same names.
  const open = (await github.pullRequests()).filter(
    ({ head }) => head.ref.startsWith(prefix) && head.repo?.full_name === github.repository,
  );
  const own = open.find(({ head }) => head.ref === branch);
  if (own !== undefined && (own.title !== title || own.body?.replaceAll('\r\n', '\n').trim() !== body.trim()))
    await github.updatePullRequest(own.number, { title, body });
  const pull = own ?? (await github.createPullRequest({ title, body, branch }));
  for (const { number } of open.filter((each) => each !== own)) {
    await github.createComment(number, `Replaced by #${pull.number}.`);
    await github.updatePullRequest(number, { state: 'closed' });
  }
  return pull;
}
