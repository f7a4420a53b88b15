import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Test } from 'tap';
import { localCharts } from '@gitops/tools/charts';
import { likestLine, missingLine, stepsOf } from '../src/blocks.ts';
import type { World } from '../src/documents.ts';
import { filesOfTree, read, root } from './tree.ts';

/** How commands ended. */
interface Result {
  readonly status: number | null;
  /** Standard output and standard error, as they came. */
  readonly printed: string;
}

/** Whoever follows documents, in a clone of their own. */
export interface Reader {
  /** Runs commands in the clone, in a shell that ends at the first one that fails. */
  shell(commands: string, input?: string): Promise<Result>;
  /** Follows a document from its first block to its last; the clone is as new before. */
  follow(t: Test, document: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * A clone of the work tree as it is, committed or not, with packages of its own: commands that change the lockfile
 * install again, which must not reach the work tree. The store of pnpm is shared, so that this takes two seconds.
 */
function clone(): string {
  const folder = mkdtempSync(join(tmpdir(), 'reader-'));
  for (const file of filesOfTree()) {
    if (!existsSync(join(root, file))) continue;
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    cpSync(join(root, file), join(folder, file));
  }
  mkdirSync(join(folder, '.local'));
  const { packageManager } = JSON.parse(read('package.json')) as { packageManager: string };
  symlinkSync(join(root, '.local', packageManager), join(folder, '.local', packageManager));
  return folder;
}

// What GitHub has is a folder beside the clone's own Git.
const START = `git init -q -b main .
git config user.name Reader
git config user.email reader@localhost
git config gc.auto 0
git remote add origin "$PWD/.local/origin.git"
git add -A
git commit -qm main
git clone -q --bare . .local/origin.git
git fetch -q
cp -R .git .local/git-at-first
make install
`;

const AS_NEW = `rm -rf .git .local/origin.git .local/reader-exports
cp -R .local/git-at-first .git
git clone -q --bare .git .local/origin.git
git reset -q --hard
git clean -fdq
`;

/** Git at the repository that the stack serves. */
const SERVED = 'git --git-dir=.local/git/gitops-platform.git';

// Every block continues the shell of the one before: what it exports stays.
// tap gives every child its own coverage, whatever env says, so the shell itself puts it away; and within a make, another one
// prints which folder it enters.
const PROLOGUE = `exec 2>&1
unset NODE_OPTIONS NODE_V8_COVERAGE MAKELEVEL MAKEFLAGS MFLAGS
if [ -e "$CLONE/.local/reader-exports" ]; then . "$CLONE/.local/reader-exports"; fi
trap 'export -p >"$CLONE/.local/reader-exports"' EXIT
`;

/** The Applications whose auto-sync is off. */
function rolledBack(json: string): string[] {
  const { items } = JSON.parse(json) as {
    items: { metadata: { name: string }; spec: { syncPolicy?: { automated?: { enabled?: boolean } } } }[];
  };
  return items.filter(({ spec }) => spec.syncPolicy?.automated?.enabled === false).map(({ metadata }) => metadata.name);
}

/** Opens a clone for documents of one world. */
export async function openReader(world: World): Promise<Reader> {
  const folder = clone();
  const charts = localCharts(root).missing.map(({ chart }) => chart);
  const usual: NodeJS.ProcessEnv = {
    ...process.env,
    GIT_CONFIG_GLOBAL: '/dev/null',
    CLONE: folder,
    // A version that a guide upgrades to is on no machine, CI's included.
    REQUIRE_CHARTS: '',
  };
  let environment = usual;
  let simulation: ChildProcess | undefined;
  const shell = async (commands: string, input?: string): Promise<Result> =>
    new Promise((resolve, reject) => {
      const child = spawn('sh', ['-e', '-c', `${PROLOGUE}${commands}`], { cwd: folder, env: environment });
      let printed = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => (printed += chunk));
      child.stdin.on('error', () => undefined).end(input ?? '');
      child.on('error', reject);
      child.on('close', (status) => {
        resolve({ status, printed });
      });
    });
  const succeed = async (commands: string): Promise<string> => {
    const { status, printed } = await shell(commands);
    if (status !== 0) throw new Error(`${commands} ended with ${String(status)}:\n${printed}`);
    return printed;
  };

  await succeed(START);
  /** Starts a simulated AWS that is empty, in place of the one before. */
  const startAws = async (): Promise<void> => {
    simulation?.stdin?.end();
    const started = spawn(process.execPath, [join(folder, 'platform/test/simulated-aws/serve.ts')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    simulation = started;
    const exports = await new Promise<string>((resolve, reject) => {
      started.stdout.setEncoding('utf8').once('data', resolve);
      started.once('close', () => {
        reject(new Error('the simulated AWS did not start'));
      });
    });
    environment = { ...usual, ...(JSON.parse(exports) as NodeJS.ProcessEnv) };
    // What shells exported before is of the usual environment, or of the one before.
    rmSync(join(folder, '.local/reader-exports'), { force: true });
    // What OpenTofu knew of the one before.
    await succeed('rm -rf platform/state platform/.terraform platform/cdktf.out');
  };
  let isStarted = false;

  /** Brings the clone, and what runs, to where each document begins. */
  const asNew = async (document: string): Promise<void> => {
    await succeed(AS_NEW);
    if (world === 'aws') await startAws();
    if (world !== 'stack') return;
    const isFirst = !isStarted;
    isStarted = true;
    // The README starts it.
    if (isFirst && document === 'README.md') return;
    await succeed('make up\neval "$(make env)"');
    const applications = await succeed('kubectl -n argocd get applications -o json');
    for (const name of rolledBack(applications)) await succeed(`make resume APP=${name}`);
    // Images stay as they were shipped.
    const isAsPublished = `${SERVED} diff --quiet published main -- . ':!clusters/local/*.image.yaml'`;
    if (isFirst || (await shell(isAsPublished)).status === 0) return;
    await succeed(`make deploy\n${SERVED} tag --force published main`);
  };

  return {
    shell,
    follow: async (t, document) => {
      await asNew(document);
      let printed = '';
      let skipped = 0;
      for (const { line, kind, content, fails, needsCharts, notRun } of stepsOf(read(document))) {
        const place = `${document}:${line}`;
        if (notRun !== undefined) continue;
        if (needsCharts && charts.length > 0) {
          skipped += 1;
          continue;
        }
        if (kind === 'text') {
          const missing = missingLine(content, printed);
          if (missing === undefined) t.pass(`${place}: what it shows is what was printed`);
          else {
            const meant = likestLine(missing.text, printed);
            const advice = meant === undefined ? '' : `; did it mean "${meant}"?`;
            t.fail(`${document}:${line + 1 + missing.index}: "${missing.text}" was not printed${advice}`, { printed });
          }
          continue;
        }
        const result = kind === 'diff' ? await shell('git apply --recount -', content) : await shell(content);
        ({ printed } = result);
        const works = (result.status !== 0) === fails;
        const what = kind === 'diff' ? 'the patch' : content.trim();
        if (works) t.pass(`${place}: ${fails ? 'fails' : 'works'}`);
        else {
          t.fail(`${place}: ${fails ? 'should fail' : 'fails'}: ${what}`, { printed });
          t.comment(`${document}: the rest was not followed`);
          break;
        }
      }
      if (skipped > 0)
        t.comment(
          `${document}: ${skipped} steps are skipped: they need charts that are not on this machine ` +
            `(${charts.join(', ')}); run \`make charts\``,
        );
    },
    close: async () => {
      simulation?.stdin?.end();
      if (world === 'stack') await shell('make down');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
