import { CommandError } from '@gitops/report/errors';
import { run, RunError } from '@gitops/tools/run';

/** Where an image comes from, as its labels say. */
export interface Origin {
  /** The commit; `-dirty` follows where the work tree has changes in what the image is made from. */
  readonly commit: string;
  /** The time of the commit, or SOURCE_DATE_EPOCH, by RFC 3339. */
  readonly created: string;
  /** The address of the repository; undefined when it is none of the web. */
  readonly source: string | undefined;
}

/**
 * Reads a clone.
 * @param root the folder of the clone
 * @param inputs paths of the repository that the image is made from
 * Throws CommandError outside of a clone, and for a SOURCE_DATE_EPOCH that is no number.
 */
export async function readOrigin(root: string, inputs: readonly string[]): Promise<Origin> {
  const changes = await git(root, 'status', '--porcelain', '--untracked-files=all', '--', ...inputs);
  const epoch = process.env.SOURCE_DATE_EPOCH ?? (await git(root, 'show', '--no-patch', '--format=%ct', 'HEAD'));
  if (!/^[0-9]{1,11}$/.test(epoch))
    throw new CommandError(
      `SOURCE_DATE_EPOCH must be a number of seconds (it is ${JSON.stringify(epoch)})`,
      'unset it for the time of the commit',
    );
  return {
    commit: (await git(root, 'rev-parse', 'HEAD')) + (changes === '' ? '' : '-dirty'),
    created: new Date(Number(epoch) * 1000).toISOString(),
    source: sourceURL(await git(root, 'config', '--default', '', '--get', 'remote.origin.url')),
  };
}

/** A remote's address as a label may show it: without the name and password that CI may have put there. */
export function sourceURL(remote: string): string | undefined {
  const url = URL.parse(remote);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return undefined;
  url.username = url.password = url.search = url.hash = '';
  return url.href.replace(/\.git$/, '');
}

async function git(root: string, ...args: string[]): Promise<string> {
  try {
    return (await run('git', ['-C', root, ...args])).trim();
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    throw new CommandError(`git ${args.join(' ')}: ${error.stderr.trim()}`, 'build from a clone of the repository');
  }
}
