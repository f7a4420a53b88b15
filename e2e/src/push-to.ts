import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from '@gitops/tools/run';
import type { Stack } from './stack.ts';

/**
 * Pushes a commit with the files of main and these; gives its name.
 * @param ref refs/heads/…, or refs/pull/…, where GitHub keeps the commits of forks
 */
export async function pushTo(
  stack: Stack,
  ref: string,
  files: Readonly<Record<string, string | ((text: string) => string)>>,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'drill-'));
  const git = async (...args: string[]): Promise<string> =>
    (await run('git', ['-C', folder, '-c', 'user.name=Drill', '-c', 'user.email=drill@localhost', ...args])).trim();
  try {
    await run('git', ['clone', '--quiet', stack.gitURL, folder]);
    // On top of what the ref has, as a further push.
    if ((await git('ls-remote', 'origin', ref)) !== '') {
      await git('fetch', '--quiet', 'origin', ref);
      await git('checkout', '--quiet', '--detach', 'FETCH_HEAD');
      await git('read-tree', '--reset', '-u', 'origin/main');
    }
    for (const [file, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      const text = typeof content === 'string' ? content : content(readFileSync(join(folder, file), 'utf8'));
      writeFileSync(join(folder, file), text);
    }
    await git('add', '--all');
    await git('commit', '--quiet', '--allow-empty', '--message', `For ${ref}`);
    await git('push', '--quiet', 'origin', `HEAD:${ref}`);
    return await git('rev-parse', 'HEAD');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
