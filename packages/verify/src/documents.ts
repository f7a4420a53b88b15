import { stepsOf } from './blocks.ts';

/**
 * What the commands of a document find:
 * - `clone`: a clone with the packages installed, and nothing that runs.
 * - `stack`: in the clone, what `make up` starts, at rest, and the shell of `eval "$(make env)"`. All documents share
 *   one stack; each finds main as the clone has it, and every Application with auto-sync on.
 * - `aws`: credentials of a simulated AWS that is empty, whose `aws` and `kubectl` are stand-ins
 *   (platform/test/simulated-aws/serve.ts), and YES and CONFIRM for what would ask.
 */
export type World = 'clone' | 'stack' | 'aws';

/** The documents whose commands need more than a clone. The README starts its stack itself, so it is the first. */
const WORLDS: Readonly<Record<string, World>> = {
  'README.md': 'stack',
  'docs/guides/aws.md': 'aws',
  'docs/guides/github.md': 'aws',
  'docs/runbooks/destroy.md': 'aws',
  'docs/guides/newcomer.md': 'stack',
  'docs/runbooks/rollback.md': 'stack',
  'docs/runbooks/resume.md': 'stack',
  'docs/runbooks/rollback-without-git.md': 'stack',
  'docs/runbooks/bad-release.md': 'stack',
  'docs/runbooks/node-loss.md': 'stack',
  'docs/runbooks/rotation.md': 'stack',
  'docs/runbooks/argocd.md': 'stack',
  'docs/runbooks/backup.md': 'stack',
};

/** The documents, as paths from the root, that stand in the table of worlds. */
export const named = Object.keys(WORLDS);

/** What the commands of a document need. */
export const worldOf = (document: string): World => WORLDS[document] ?? 'clone';

/**
 * The documents to follow in some worlds: those with commands that are run.
 * @param only names some of them, separated by spaces; all where it is undefined
 */
export function documentsToFollow(
  files: readonly string[],
  worlds: readonly World[],
  read: (file: string) => string,
  only?: string,
): string[] {
  return documentsIn(files).filter(
    (file) =>
      worlds.includes(worldOf(file)) &&
      (only?.split(' ').includes(file) ?? true) &&
      stepsOf(read(file)).some(({ notRun }) => notRun === undefined),
  );
}

/** The documents among the files of a tree, those in the table of worlds first and in its order. */
export const documentsIn = (files: readonly string[]): string[] => [
  ...named,
  ...files.filter((file) => file.endsWith('.md') && !file.startsWith('.github/') && !named.includes(file)),
];
