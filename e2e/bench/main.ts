// `make bench`: measures what the README promises, on a stack of its own, and prints it beside what was asked for.
// Usage: node e2e/bench/main.ts [--rounds 20] [--cold] [--json]
//   --cold also compiles the tools once from nothing, downloads included (about six minutes on two cores)
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setImage } from '@gitops/delivery/image-file';
import {
  awaitApplications,
  clusterEnvironment,
  comparedRevision,
  entryRevision,
  isSettled,
  openInstance,
  processes,
} from '@gitops/local';
import { type Parts, reportBench, runParts } from '@gitops/report/bench';
import { type Measure, median, summary } from '@gitops/report/measure';
import { progressTo } from '@gitops/report/progress';
import { run } from '@gitops/tools/run';
import { APP, type Deployment, isRolledOut, Stack, succeed, until } from '../src/stack.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    cold: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds must be a whole number from 1 on (it is ${values.rounds})`);

const instance = openInstance({ dir: '.local/bench' });
const progress = progressTo();

async function timed(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

async function make(target: string, env: Record<string, string> = {}): Promise<void> {
  const child = spawn('make', ['-s', target], {
    cwd: instance.root,
    env: { ...process.env, ...env, PLATFORM_LOCAL_DIR: instance.dir },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`make ${target} ended with ${String(code)}: ${said}`);
}

async function measureStarts(): Promise<Measure[]> {
  const [fresh, again]: [number[], number[]] = [[], []];
  for (let round = 0; round < 3; round += 1) {
    await succeed(instance.dir, ['down']);
    rmSync(instance.dir, { recursive: true, force: true });
    fresh.push(await timed(async () => make('up')));
    again.push(await timed(async () => make('up')));
  }
  progress.done('starts');
  return [
    summary('make up, tools cached, from nothing', 's', fresh, { atMost: 20_000 }),
    summary('make up, all running', 's', again, { atMost: 3000 }),
  ];
}

/** Follows the Deployment of the service and tells when a rollout to an image is complete. */
function followDeployment(stack: Stack): { rolledOut: (image: string) => Promise<void>; end: () => void } {
  const child = spawn(
    join(stack.tools.bin, 'kubectl'),
    ['-n', APP, 'get', 'deployment', APP, '-o', 'json', '--watch'],
    { env: clusterEnvironment(stack.instance, stack.tools), stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  let latest: Deployment | undefined;
  let changed = Promise.withResolvers<null>();
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    // kubectl writes one indented object after the other.
    for (let end = text.indexOf('\n}\n'); end !== -1; end = text.indexOf('\n}\n')) {
      latest = JSON.parse(text.slice(0, end + 2)) as Deployment;
      text = text.slice(end + 3);
      changed.resolve(null);
    }
  });
  return {
    async rolledOut(image) {
      const late = sleep(60_000, undefined, { ref: false }).then(() => {
        throw new Error(
          `the rollout to ${image} is not complete after 60 s: ${JSON.stringify({ image: latest?.spec.template.spec.containers, status: latest?.status, generation: latest?.metadata.generation })}`,
        );
      });
      while (latest === undefined || !isRolledOut(latest, image)) {
        changed = Promise.withResolvers<null>();
        await Promise.race([changed.promise, late]);
      }
    },
    end: () => child.kill(),
  };
}

async function measureDeployments(): Promise<Measure[]> {
  // Running already, unless the part before failed.
  await make('up');
  const stack = await Stack.open(instance.dir);
  const clone = mkdtempSync(join(tmpdir(), 'bench-'));
  const git = async (...args: string[]): Promise<string> =>
    (await run('git', ['-C', clone, '-c', 'user.name=Bench', '-c', 'user.email=bench@localhost', ...args])).trim();
  await run('git', ['clone', '--quiet', stack.gitURL, clone]);
  await stack.kubectl('create', 'namespace', 'bench-helm');
  const digest = (tag: string): string => `sha256:${Buffer.from(tag.padEnd(32, '.')).toString('hex').slice(0, 64)}`;
  const file = 'clusters/local/fastify-service.image.yaml';

  const push = async (tag: string): Promise<number> => {
    writeFileSync(
      join(clone, file),
      setImage(readFileSync(join(clone, file), 'utf8'), { tag, digest: digest(tag) }, file),
    );
    await git('commit', '--quiet', '--all', '-m', tag);
    const commit = await git('rev-parse', 'HEAD');
    // The stream is open before the push, as a person's browser is.
    const listening = Promise.withResolvers<null>();
    const healthy = awaitApplications(stack.admin, 60_000, tag, (applications) => {
      const application = applications.get(APP);
      if (application !== undefined) listening.resolve(null);
      return application !== undefined &&
        comparedRevision(application) === commit &&
        application.status?.sync?.status === 'Synced' &&
        application.status.health?.status === 'Healthy'
        ? true
        : undefined;
    });
    await listening.promise;
    const time = await timed(async () => {
      await git('push', '--quiet', 'origin', 'HEAD:main');
      await healthy;
    });
    // The next measure begins when the sync is over as well.
    await until('rest', async () => (isSettled(await stack.application()) ? true : undefined));
    return time;
  };
  const helm = async (tag: string): Promise<number> =>
    timed(async () =>
      run(
        join(stack.tools.bin, 'helm'),
        [
          ...[
            'upgrade',
            '--install',
            '--wait',
            APP,
            resolve(instance.root, 'charts/fastify-service'),
            '--namespace',
            'bench-helm',
          ],
          ...['shared', 'local'].flatMap((folder) => [
            '--values',
            resolve(instance.root, `clusters/${folder}/fastify-service.yaml`),
          ]),
          ...[
            '--set',
            `image.repository=registry.invalid/${APP},image.tag=${tag},image.digest=${digest(tag)}`,
            '--set',
            'networkPolicy.loadBalancerCidrs={127.0.0.0/8}',
          ],
        ],
        { env: clusterEnvironment(stack.instance, stack.tools) },
      ),
    );

  const times = { push: [] as number[], helm: [] as number[], rollback: [] as number[] };
  // The first of each pays for caches that the others find filled.
  await push('0.0.1');
  await helm('0.0.1');
  const deployment = followDeployment(stack);
  try {
    for (let round = 1; round <= rounds; round += 1) {
      const tag = `0.1.${round}`;
      const old = await stack.image();
      const oldCommit = comparedRevision(await stack.application());
      times.push.push(await push(tag));
      times.helm.push(await helm(tag));
      // By commit: a resume by self-heal leaves no entry, so the entry before the last may be another.
      const target = ((await stack.application()).status?.history ?? []).findLast(
        (entry) => entryRevision(entry) === oldCommit,
      );
      if (target === undefined) throw new Error('there is no earlier deployment');
      times.rollback.push(
        await timed(async () => {
          await stack.oncall.toggleAutoSync(APP);
          await stack.oncall.rollback(APP, target.id);
          await deployment.rolledOut(old);
        }),
      );
      await until('the end of the rollback', async () =>
        (await stack.application()).status?.operationState?.phase === 'Succeeded' ? true : undefined,
      );
      await stack.oncall.toggleAutoSync(APP);
      await stack.oncall.refresh(APP);
      await until('main again', async () =>
        isSettled(await stack.application()) && (await stack.image()).includes(`:${tag}@`) ? true : undefined,
      );
      progress.detail(`round ${round} of ${rounds}`);
    }
  } finally {
    deployment.end();
    rmSync(clone, { recursive: true, force: true });
  }
  progress.done('deployments and rollbacks');
  const memory = processes(stack.instance, stack.ports).reduce((sum, process) => sum + process.memory, 0);
  const ratio = (name: string, over: number[], under: number[], atMost: number): Measure =>
    summary(name, 'x', [median(over) / median(under)], { atMost });
  return [
    summary('push → Synced and Healthy', 's', times.push),
    summary('helm upgrade --install --wait', 's', times.helm),
    summary('rollback call → old image ready', 's', times.rollback),
    ratio('push ÷ helm (medians)', times.push, times.helm, 1.2),
    ratio('rollback ÷ push (medians)', times.rollback, times.push, 1),
    summary('resident memory after that', 'MB', [memory / 1e6], { atMost: 1500 }),
  ];
}

async function measureCold(): Promise<Measure[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'bench-cold-'));
  try {
    const env = {
      XDG_CACHE_HOME: join(scratch, 'cache'),
      GOCACHE: join(scratch, 'go-build'),
      GOMODCACHE: join(scratch, 'modules'),
    };
    await succeed(instance.dir, ['down']);
    rmSync(instance.dir, { recursive: true, force: true });
    const time = await timed(async () => make('up', env));
    progress.done('cold start');
    return [summary('make up, cold, with downloads', 's', [time], { atMost: 600_000 })];
  } finally {
    await run('chmod', ['-R', 'u+w', scratch]);
    rmSync(scratch, { recursive: true, force: true });
  }
}

const parts: Parts = {
  starts: measureStarts,
  deployments: measureDeployments,
  ...(values.cold && { cold: measureCold }),
};
try {
  const result = { rounds, ...(await runParts(parts)) };
  reportBench(result, { file: resolve(instance.root, '.local/bench.json'), json: values.json });
} finally {
  await succeed(instance.dir, ['down']);
  rmSync(instance.dir, { recursive: true, force: true });
}
