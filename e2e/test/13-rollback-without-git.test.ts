import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { isAutoSynced, processes } from '@gitops/local';
import { emptyRedis } from '../src/fault-moments.ts';
import { rollbackDrill } from '../src/rollback-drill.ts';
import { APP, type Deployment, Stack, until } from '../src/stack.ts';

const stack = await Stack.open();
const { release, make, stays } = rollbackDrill(stack);

/** Removes the repo-server's clones, as a new pod has none. */
function loseClones(): void {
  const clones = join(stack.instance.dir, 'argocd/tmp/_argocd-repo');
  for (const clone of readdirSync(clones)) rmSync(join(clones, clone), { recursive: true });
}

t.test('while Git is down', async (t) => {
  const [older, old, bad] = [await release('13.4.0'), await release('13.4.1'), await release('13.4.2')];
  const git = processes(stack.instance, stack.ports).find(({ name }) => name === 'git');
  t.ok(git?.pid, 'the Git server runs');
  if (git?.pid !== undefined) process.kill(git.pid, 'SIGKILL');
  const undo = async (...args: string[]): Promise<void> => {
    await stack.kubectl('-n', APP, 'rollout', 'undo', `deployment/${APP}`, ...args);
  };

  await t.test('kubectl alone is undone by self-heal', async (t) => {
    const { generation } = (await stack.deployment()).metadata;
    await undo();
    await until('self-heal', async () => ((await stack.isRolledOut(bad)) ? true : undefined));
    t.ok((await stack.deployment()).metadata.generation >= generation + 2, 'there and back');
  });

  await t.test('a rollback works as long as the repo-server has its clone, with an empty Redis as well', async (t) => {
    await emptyRedis(stack.ports.redis);
    await make(t, 'rollback', '--app', APP);
    t.ok(await stack.isRolledOut(old));
    await stays(t, old, 'with Git down');
  });

  await t.test('without that it fails, auto-sync stays off, and kubectl is the way out', async (t) => {
    loseClones();
    const { code, stderr } = await stack.make('rollback', '--app', APP);
    t.equal(code, 1);
    t.match(stderr, /ended as Error: .*unable to (checkout git repo|resolve git revision)/);
    t.match(stderr, 'docs/runbooks/rollback-without-git.md');
    t.equal(await stack.image(), old, 'nothing changed');
    t.equal(isAutoSynced(await stack.application()), false);

    await undo(`--to-revision=${await revisionOf(older)}`);
    await until('the older image', async () => ((await stack.isRolledOut(older)) ? true : undefined));
    await stays(t, older, 'with Git down');
  });

  await t.test('Git is back: the pods stay, and resume works, though auto-sync waits after a failure', async (t) => {
    await make(t, 'up');
    await stays(t, older, 'after Git is back');
    t.equal(isAutoSynced(await stack.application()), false);
    t.equal((await stack.application()).status?.operationState?.phase, 'Error', 'of the rollback');
    await make(t, 'resume', '--app', APP);
    t.equal(await stack.image(), bad);
  });
});

interface ReplicaSets {
  readonly items: readonly {
    readonly metadata: { readonly annotations: Record<string, string> };
    readonly spec: Pick<Deployment['spec'], 'template'>;
  }[];
}

/** The number by which `kubectl rollout` knows an image. */
async function revisionOf(image: string): Promise<string> {
  const { items } = JSON.parse(await stack.kubectl('-n', APP, 'get', 'replicasets', '-o', 'json')) as ReplicaSets;
  const set = items.find(({ spec }) => spec.template.spec.containers[0]?.image === image);
  return set?.metadata.annotations['deployment.kubernetes.io/revision'] ?? '';
}
