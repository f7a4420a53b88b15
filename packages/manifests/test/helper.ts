import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Test } from 'tap';
import { progressTo } from '@gitops/report/progress';
import { type LocalChart, localCharts } from '@gitops/tools/charts';
import { ensureSchemas } from '@gitops/tools/schemas';
import { ensureTools } from '@gitops/tools/tools';
import { check } from '../src/commands/check.ts';
import { openProofs, type Proofs } from '../src/proofs/open.ts';
import { rememberRenders } from '../src/render/remember.ts';
import { type Renderer, startRenderer } from '../src/render/renderer.ts';
import type { Edit } from './mistakes/slip.ts';

/** The repository itself. */
export const root = resolve(import.meta.dirname, '../../..');

const local = localCharts(root);

/**
 * Why a test that needs upstream charts cannot run on this machine, for tap's `skip`; false where it can.
 * @param charts their names; every chart of the repository where none is given
 */
export function lacksCharts(...charts: readonly string[]): string | false {
  const lacking = local.missing.filter(({ chart }) => charts.length === 0 || charts.includes(chart));
  return lacking.length === 0
    ? false
    : `needs charts that are not on this machine (${lacking.map(({ chart }) => chart).join(', ')}); ` +
        'run `make charts`';
}

/**
 * Argo CD's renderer, and the proofs over any copy of the repository; ended with the test.
 * @param charts beside those on this machine
 */
export async function open(
  t: Test,
  charts: readonly LocalChart[] = [],
): Promise<{
  renderer: Renderer;
  proofsOf: (folder: string) => Proofs;
  allProblems: (folder: string) => Promise<readonly string[]>;
}> {
  const quiet = { ...progressTo(), note: () => undefined };
  const tools = await ensureTools(quiet, { verify: false });
  const schemas = await ensureSchemas(quiet);
  const renderer = startRenderer(tools, [...local.charts, ...charts]);
  t.teardown(async () => renderer.close());
  // Proofs that render again use the real one.
  const remembering = rememberRenders(renderer);
  const proofsOf = (folder: string): Proofs => openProofs(folder, renderer, tools, schemas);
  return {
    renderer,
    proofsOf,
    /** As `make check` finds them; the proofs that render again are asked only where the others find nothing. */
    allProblems: async (folder) => {
      const { capabilities, ofObjects, all } = proofsOf(folder);
      const first = await check(remembering, folder, capabilities, ofObjects);
      return first.problems.length > 0
        ? first.problems
        : (await check(remembering, folder, capabilities, all)).problems;
    },
  };
}

/** A copy of all that Argo CD reads, to make mistakes in. */
export function copy(t: Test): string {
  const folder = t.testdir({});
  for (const name of ['argocd', 'charts', 'clusters'])
    cpSync(join(root, name), join(folder, name), { recursive: true });
  return folder;
}

/**
 * Changes a file of a copy. Throws where the text to replace is not there: a mistake that was not made proves nothing.
 */
export function edit(folder: string, file: string, from: string, to: string): void {
  const text = readFileSync(join(folder, file), 'utf8');
  if (!text.includes(from)) throw new Error(`${file} has no ${JSON.stringify(from)}`);
  writeFileSync(
    join(folder, file),
    text.replace(from, () => to),
  );
}

/** Makes an edit in a copy. */
export function apply(folder: string, change: Edit): void {
  const { file } = change;
  if ('from' in change) edit(folder, file, change.from, change.to);
  else if ('copyOf' in change) cpSync(join(folder, change.copyOf), join(folder, file), { recursive: true });
  else if ('text' in change) {
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    writeFileSync(join(folder, file), change.text);
  } else rmSync(join(folder, file), { recursive: true });
}

/** Runs git in a folder of a test, as somebody and without the settings of this machine. Throws what git complains about. */
export function git(folder: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(
    'git',
    ['-C', folder, '-c', 'user.name=Test', '-c', 'user.email=test@localhost', ...args],
    {
      encoding: 'utf8',
      env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CEILING_DIRECTORIES: resolve(folder, '..') },
    },
  );
  if (status !== 0) throw new Error(stderr);
}
