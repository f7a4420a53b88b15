import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import t from 'tap';
import { localCharts } from '@gitops/tools/charts';
import { missingLine, stepsOf } from '../../src/guide.ts';

const root = resolve(import.meta.dirname, '../../../..');
const guides = readdirSync(join(root, 'docs/guides')).filter((file) => file.endsWith('.md'));

/** A clone of the work tree as it is, with the installed packages of this one, so that nothing has to be installed. */
function clone(): string {
  const folder = mkdtempSync(join(tmpdir(), 'guide-'));
  const { stdout } = spawnSync('git', ['-C', root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  // Code is run from here; what it reads, and what a reader edits, is a copy.
  for (const file of stdout
    .split('\0')
    .filter((path) => path !== '' && !/^(packages|service|e2e|platform)\//.test(path))) {
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    cpSync(join(root, file), join(folder, file));
  }
  for (const name of ['packages', 'service', 'e2e', 'platform', 'node_modules', '.local'])
    symlinkSync(join(root, name), join(folder, name));
  return folder;
}

const { missing } = localCharts(root);

t.ok(guides.length > 0, 'there are guides');
for (const guide of guides) {
  t.test(`${guide}, command by command`, { timeout: 600_000 }, (t) => {
    const folder = clone();
    // In a shell as a reader has it. tap gives every child its own coverage, whatever env says, so the shell itself
    // puts it away.
    const shell = (command: string, input?: string) =>
      spawnSync('sh', ['-e', '-c', `unset NODE_OPTIONS NODE_V8_COVERAGE\n${command}`], {
        cwd: folder,
        encoding: 'utf8',
        // A version that a guide upgrades to is on no machine, CI's included.
        env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', MAKEFLAGS: '', REQUIRE_CHARTS: '' },
        ...(input === undefined ? {} : { input }),
      });
    try {
      const began = shell(
        'git init -q -b main . && git config user.name Reader && git config user.email reader@localhost && ' +
          'git add -A && git commit -qm main',
      );
      t.equal(began.status, 0, began.stderr);
      const all = stepsOf(readFileSync(join(root, 'docs/guides', guide), 'utf8'));
      const steps = all.filter(({ needsCharts }) => !needsCharts || missing.length === 0);
      t.ok(steps.length > 0, `${steps.length} steps`);
      if (steps.length < all.length)
        t.comment(
          `${all.length - steps.length} steps are skipped: they need charts that are not on this machine ` +
            `(${missing.map(({ chart }) => chart).join(', ')}); run \`make charts\``,
        );
      let printed = '';
      for (const { line, kind, content, fails } of steps) {
        const place = `docs/guides/${guide}:${line}`;
        if (kind === 'text') {
          t.equal(missingLine(content, printed), undefined, `${place}: what it shows is what was printed:\n${printed}`);
          continue;
        }
        const { status, stdout, stderr } = kind === 'diff' ? shell('git apply --recount -', content) : shell(content);
        printed = `${stdout}${stderr}`;
        t.equal(status !== 0, fails, `${place}: ${fails ? 'fails' : 'works'}\n${printed}`);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    t.end();
  });
}
