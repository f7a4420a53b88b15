import { CommandError } from '@gitops/report/errors';
import { type Git, isAncestor } from './git.ts';
import { trailersOf } from './message.ts';

/** Where the image files of an application are, for git. */
export const imageFilesOf = (app: string): string => `:(glob)clusters/*/${app}.image.yaml`;

const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** The rule that a commit's name breaks; undefined when it is one. */
export const commitProblem = (text: string): string | undefined =>
  COMMIT.test(text)
    ? undefined
    : `must be a full commit, 40 or 64 lower-case hex digits (it is ${JSON.stringify(text)})`;

/**
 * The commit that an image was built from, by the newest commit of main that deployed it and says so; undefined where none
 * does. Promotions by squash or rebase keep it: the deployment to the first cluster is found all the same.
 */
export async function sourceOf(git: Git, main: string, app: string, digest: string): Promise<string | undefined> {
  const messages = await git([
    ...['log', '-z', '--format=%B', '--fixed-strings', `--grep=${digest}`],
    ...[main, '--', imageFilesOf(app)],
  ]);
  for (const message of messages.split('\0')) {
    const { image, source } = trailersOf(message);
    if (image?.startsWith(`${app}:`) === true && image.endsWith(`@${digest}`) && source !== undefined)
      if (commitProblem(source) === undefined) return source;
  }
  return undefined;
}

/** How a build stands to the one before it. `unknown`: where no commit says what the present image was built from. */
export type Age = 'newer' | 'same' | 'older' | 'unrelated' | 'unknown';

/** Compares two builds by the history of main. A present build that main does not have (any more) is unknown. */
export async function compareBuilds(
  git: Git,
  main: string,
  { present, next }: { present: string | undefined; next: string | undefined },
): Promise<Age> {
  if (present === undefined || next === undefined) return 'unknown';
  if (present === next) return 'same';
  if (!(await isAncestor(git, present, main))) return 'unknown';
  if (await isAncestor(git, present, next)) return 'newer';
  return (await isAncestor(git, next, present)) ? 'older' : 'unrelated';
}

/** Throws CommandError unless main has the commit: what was not merged is not deployed. */
export async function requireMerged(git: Git, main: string, commit: string): Promise<void> {
  if (await isAncestor(git, commit, main)) return;
  throw new CommandError(
    `main does not contain commit ${commit.slice(0, 12)}, from which the image was built`,
    'build what was merged to main (--commit names the commit)',
  );
}
