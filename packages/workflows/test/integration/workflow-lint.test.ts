import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import type { Progress } from '@gitops/report/progress';
import { pythonProblem } from '@gitops/tools/python';
import { ensureTools } from '@gitops/tools/tools';
import { filesOfGitHub } from '../../src/read.ts';
import { root } from '../../src/repository.ts';
import { zizmor } from '../../src/zizmor.ts';

const silent: Progress = {
  start: () => undefined,
  detail: () => undefined,
  note: () => undefined,
  done: () => undefined,
};
const { bin } = await ensureTools(silent, { verify: false, builds: ['ci'] });

/** A copy of .github, with one edit. */
function copy(t: Test, edit?: readonly [file: string, from: string, to: string]): string {
  const folder = t.testdir({});
  for (const file of filesOfGitHub(root)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(root, file), join(folder, file));
  }
  spawnSync('git', ['init', '--quiet'], { cwd: folder });
  if (edit === undefined) return folder;
  const [file, from, to] = edit;
  const text = readFileSync(join(folder, file), 'utf8');
  t.ok(text.includes(from), `${file}: ${from}`);
  writeFileSync(join(folder, file), text.replace(from, to));
  return folder;
}

function lint(folder: string, program: string, args: readonly string[]): { code: number | null; output: string } {
  // Without a token, so that it never asks GitHub.
  const env = { PATH: process.env.PATH, HOME: folder };
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: folder, env, encoding: 'utf8' });
  return { code: status, output: `${error?.message ?? ''}${stdout}${stderr}` };
}

// Neither shellcheck nor pyflakes: each step is one make target.
const actionlint = (folder: string) =>
  lint(folder, join(bin, 'actionlint'), ['-no-color', '-oneline', '-shellcheck=', '-pyflakes=']);
const pedantic = (folder: string) =>
  lint(folder, zizmor(), [
    '--offline',
    '--no-progress',
    '--color=never',
    '--persona=pedantic',
    '--format=plain',
    '.github',
  ]);

const CI = '.github/workflows/ci.yml';

t.test('actionlint finds nothing in the workflows', (t) => {
  const clean = actionlint(copy(t));
  t.equal(clean.code, 0, clean.output);
  const mistaken = actionlint(
    copy(t, ['.github/workflows/release.yml', 'steps.image.outputs.tag', 'steps.imag.outputs.tag']),
  );
  t.equal(mistaken.code, 1);
  t.match(mistaken.output, /release\.yml:\d+:\d+: property "imag" is not defined/);
  t.end();
});

t.test('zizmor finds nothing in the workflows, as a pedant', { skip: pythonProblem ?? false }, (t) => {
  const clean = pedantic(copy(t));
  t.equal(clean.code, 0, clean.output);
  const injected = pedantic(
    copy(t, [CI, 'run: make test', 'run: make test TITLE=${{ github.event.pull_request.title }}']),
  );
  t.not(injected.code, 0);
  t.match(injected.output, /template-injection/);
  const dangerous = pedantic(copy(t, [CI, 'pull_request:', 'pull_request_target:']));
  t.match(dangerous.output, /dangerous-triggers/);
  t.end();
});
