// Schemathesis reads the contract and asks the service, as a stranger would: over the network, from another process. It
// is a Python program; where the machine has no Python that can run it, the test says so and is skipped.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { cacheFolder } from '@gitops/tools/tools';
import { documentFile } from '../contract.ts';
import { build } from '../helper.ts';

const VERSION = '4.32.5';

const canRun = 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))';
const isThere = spawnSync('python3', ['-c', canRun]).status === 0;

async function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = tmpdir()) {
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, error] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, output: `${out}${error}` };
}

/** The Python of an environment that has Schemathesis; made once for all clones of the repository. */
async function environment(): Promise<string> {
  const folder = join(cacheFolder(), `schemathesis-${VERSION}`);
  if (!existsSync(folder)) {
    // Under another name until it is whole.
    const made = `${folder}.${process.pid}`;
    for (const [program, ...args] of [
      ['python3', '-m', 'venv', made],
      [
        join(made, 'bin/python'),
        '-m',
        'pip',
        'install',
        '-q',
        '--disable-pip-version-check',
        `schemathesis==${VERSION}`,
      ],
    ] as const) {
      const { code, output } = await run(program, args);
      if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${String(code)}: ${output}`);
    }
    if (existsSync(folder)) rmSync(made, { recursive: true });
    else renameSync(made, folder);
  }
  return join(folder, 'bin/python');
}

t.test(
  'Schemathesis finds no answer that the contract does not promise',
  {
    timeout: 300_000,
    skip: isThere ? false : 'Schemathesis needs Python 3.10 or later with venv, and this machine has none',
  },
  async (t) => {
    const python = await environment();
    const service = await build(t, { LOG_LEVEL: 'error' });
    const { api } = await service.listen();
    // It writes what it has learned where it is started.
    const folder = mkdtempSync(join(tmpdir(), 'schemathesis-'));
    t.teardown(() => {
      rmSync(folder, { recursive: true });
    });
    const { code, output } = await run(
      python,
      [
        ...['-m', 'schemathesis.cli', 'run', documentFile, '--url', api],
        ...['--phases', 'examples,coverage,fuzzing', '--max-examples', '30', '--seed', '1'],
        // That tiers differ, that subnets fit and which ranges a page ends with is in no schema; fuzz.test.ts knows it.
        ...['--exclude-checks', 'positive_data_acceptance', '--continue-on-failure', '--no-color'],
      ],
      { SCHEMATHESIS_HOOKS: join(import.meta.dirname, '../schemathesis-hooks.py'), PYTHONDONTWRITEBYTECODE: '1' },
      folder,
    );
    t.equal(code, 0, output);
    const asked = Number(/(\d+) generated/.exec(output)?.[1] ?? 0);
    t.ok(asked > 100, `${asked} requests`);
    t.strictSame(service.lines, [], 'and nothing was logged as an error');
  },
);
