import { CommandError } from '@gitops/report/errors';
import { type Comment, type GitHub, GitHubError } from './github.ts';
import { LONGEST_BODY } from './markdown.ts';

/** A comment that was written. */
export interface WrittenComment {
  readonly outcome: 'created' | 'updated' | 'unchanged';
  readonly url: string | undefined;
}

const markerOf = (name: string): string => `<!-- gitops-platform: ${name} -->`;

/**
 * Keeps one comment of a name on a pull request up to date: it is found again by a marker that nobody sees, among those that
 * the token's own user wrote. Copies that two runs made at once are deleted.
 * @param name of letters and dashes
 * Throws CommandError for a text that GitHub would not take, and where GitHub refuses.
 */
export async function keepComment(github: GitHub, number: number, name: string, text: string): Promise<WrittenComment> {
  const body = `${markerOf(name)}\n${text.trim()}\n`;
  if (text.trim() === '') throw new CommandError('the comment is empty', 'check what wrote it');
  if (body.length > LONGEST_BODY)
    throw new CommandError(
      `the comment has ${body.length} characters, and GitHub takes ${LONGEST_BODY}`,
      'shorten it; `make diff` keeps to the limit by itself',
    );
  const login = await github.login();
  // Whoever may comment can write the marker; only an app can be a Bot.
  const isOwn = ({ user }: Comment): boolean => (login === undefined ? user?.type === 'Bot' : user?.login === login);
  const [first, ...copies] = (await github.comments(number)).filter(
    (comment) => comment.body.startsWith(markerOf(name)) && isOwn(comment),
  );
  for (const { id } of copies) await deleteIfThere(github, id);
  if (first === undefined) return { outcome: 'created', url: (await github.createComment(number, body)).html_url };
  // GitHub gives texts back with the line ends of forms.
  if (first.body.replaceAll('\r\n', '\n').trim() === body.trim()) return { outcome: 'unchanged', url: undefined };
  return { outcome: 'updated', url: (await github.updateComment(first.id, body)).html_url };
}

async function deleteIfThere(github: GitHub, id: number): Promise<void> {
  try {
    await github.deleteComment(id);
  } catch (error) {
    if (!(error instanceof GitHubError && error.status === 404)) throw error;
  }
}
