import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { publishedImage, publishWorkTree } from '@gitops/local';
import { run } from '@gitops/tools/run';
import { APP, Stack, until } from '../src/stack.ts';

const stack = await Stack.open();
const values = 'clusters/local/fastify-service.yaml';
const budget = 'charts/fastify-service/templates/poddisruptionbudget.yaml';

t.test('a pushed values change arrives', async (t) => {
  const level = async (): Promise<string> =>
    stack.kubectl('-n', APP, 'get', 'configmap', APP, '-o', 'jsonpath={.data.LOG_LEVEL}');
  t.equal(await level(), 'info');
  await until('the autoscaler has brought up its minimum of pods', async () =>
    (await stack.deployment()).status.availableReplicas === 2 ? true : undefined,
  );
  const before = await stack.deployment();
  const push = await stack.push('More logs', { [values]: (text) => `${text}logLevel: debug\n` });
  const { reached } = await stack.delivered(push);
  t.same(
    reached.map(({ metadata }) => metadata.name),
    [APP],
    'it concerns the service alone',
  );
  t.equal(await level(), 'debug');
  const after = await stack.deployment();
  t.equal(after.metadata.generation, before.metadata.generation + 1, 'its pods are replaced');
  t.equal(after.status.updatedReplicas, after.spec.replicas);
  t.equal(after.status.availableReplicas, after.spec.replicas);
  await stack.delivered(await stack.push('As before', { [values]: (text) => text.replace('logLevel: debug\n', '') }));
  t.equal(await level(), 'info');
});

t.test('the autoscaler, and not Git, says how many pods there are, from the minimum up', async (t) => {
  const push = async (name: string, from: string, to: string): Promise<unknown> =>
    stack.delivered(await stack.push(name, { [values]: (text) => text.replace(from, to) }));
  await push('Three pods at least', '  enabled: true\n', '  enabled: true\n  minReplicas: 3\n');
  await until('the new minimum runs', async () =>
    (await stack.deployment()).status.availableReplicas === 3 ? true : undefined,
  );
  await push('Two pods again', '  minReplicas: 3\n', '');
  t.equal((await stack.deployment()).spec.replicas, 3, 'fewer only after five quiet minutes');
});

t.test('a push of files that no Application reads deploys and refreshes nothing', async (t) => {
  const before = await stack.application();
  const { reached } = await stack.delivered(await stack.push('A note', { 'NOTE.md': () => 'nothing to deploy\n' }));
  t.same(reached, []);
  // Long enough for a webhook that did concern it to be seen.
  await new Promise((resolve) => setTimeout(resolve, 2000));
  t.equal((await stack.application()).status?.reconciledAt, before.status?.reconciledAt);
});

t.test('an object removed from Git is pruned, and comes back with it', async (t) => {
  const name = `poddisruptionbudget/${APP}`;
  t.match(await stack.kubectl('-n', APP, 'get', name, '-o', 'name'), APP);
  let removed = '';
  await stack.delivered(await stack.push('No budget', { [budget]: (text) => void (removed = text) }));
  await until('the budget is pruned', async () =>
    (await stack.kubectl('-n', APP, 'get', name, '--ignore-not-found', '-o', 'name')) === '' ? true : undefined,
  );
  await stack.delivered(await stack.push('The budget again', { [budget]: () => removed }));
  t.match(await stack.kubectl('-n', APP, 'get', name, '-o', 'name'), APP);
});

t.test('a chart and what argocd/ hands to it change in one commit', async (t) => {
  const files = {
    schema: 'charts/fastify-service/values.schema.json',
    defaults: 'charts/fastify-service/values.yaml',
    config: 'charts/fastify-service/templates/_helpers.tpl',
    set: 'argocd/applications/fastify-service.yaml',
  };
  const before: Record<string, string> = {};
  // The chart now refuses to render without a value that only the ApplicationSet of the same commit gives it.
  const replace =
    (from: string, to: string) =>
    (file: string, text: string): string => {
      if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
      before[file] = text;
      return text.replace(from, to);
    };
  const edits: Record<string, (file: string, text: string) => string> = {
    [files.schema]: replace('"image": {', '"fact": { "type": "string", "minLength": 1 }, "image": {'),
    [files.defaults]: replace('host: ""', 'host: ""\nfact: ""'),
    [files.config]: replace('NODE_ENV: "production"', 'NODE_ENV: "production"\nFACT: {{ .Values.fact | quote }}'),
    [files.set]: replace(
      '          parameters:\n',
      '          parameters:\n            - name: fact\n              value: "{{ .metadata.labels.cluster }}"\n',
    ),
  };
  const push = await stack.push(
    'A new fact',
    Object.fromEntries(Object.entries(edits).map(([file, edit]) => [file, (text: string) => edit(file, text)])),
  );
  const { reached } = await stack.delivered(push);
  t.same(reached.map(({ metadata }) => metadata.name).sort(), [APP, 'root']);
  t.equal(await stack.kubectl('-n', APP, 'get', 'configmap', APP, '-o', 'jsonpath={.data.FACT}'), 'local');
  await stack.delivered(
    await stack.push(
      'Without it again',
      Object.fromEntries(Object.values(files).map((file) => [file, () => before[file]])),
    ),
  );
  t.equal(await stack.kubectl('-n', APP, 'get', 'configmap', APP, '-o', 'jsonpath={.data.FACT}'), '');
});

t.test('a hand-edited Deployment is healed', async (t) => {
  const before = await stack.deployment();
  const image = before.spec.template.spec.containers[0]?.image ?? '';
  await stack.kubectl('-n', APP, 'set', 'image', `deployment/${APP}`, `${APP}=registry.internal/${APP}:by-hand`);
  await until('the image of Git is back and ready', async () => ((await stack.isRolledOut(image)) ? true : undefined));
  const after = await stack.deployment();
  t.ok(after.metadata.generation >= before.metadata.generation + 2, 'it was edited and edited back');
  t.equal(after.metadata.uid, before.metadata.uid, 'it is the same Deployment');
});

t.test(
  "deploy publishes the work tree as it is, keeps the server's image files and leaves the clone alone",
  async (t) => {
    const shipped = await stack.ship('1.1.0');
    // A clone with a commit, a staged change, an unstaged one, an untracked file and an ignored one.
    const clone = join(t.testdir({}), 'clone');
    await run('git', ['clone', '--quiet', stack.gitURL, clone]);
    const git = async (...args: string[]): Promise<string> =>
      run('git', ['-C', clone, '-c', 'user.name=Drill', '-c', 'user.email=drill@localhost', ...args]);
    await git('checkout', '--quiet', '-b', 'feature');
    writeFileSync(join(clone, values), `${readFileSync(join(clone, values), 'utf8')}logLevel: warn\n`);
    await git('commit', '--quiet', '--all', '-m', 'Less to read');
    writeFileSync(join(clone, 'staged.md'), 'staged\n');
    await git('add', 'staged.md');
    writeFileSync(join(clone, 'untracked.md'), 'untracked\n');
    writeFileSync(join(clone, 'ignored.log'), 'ignored\n');
    writeFileSync(
      join(clone, 'clusters/local/fastify-service.image.yaml'),
      readFileSync(join(clone, 'clusters/local/fastify-service.image.yaml'), 'utf8').replace('1.1.0', '9.9.9'),
    );
    const state = async (): Promise<string[]> => [
      await git('status', '--porcelain=v2', '--branch'),
      await git('log', '--format=%H', '--all'),
      readFileSync(join(clone, '.git/index')).toString('base64'),
    ];
    const before = await state();

    const publication = await publishWorkTree({ ...stack.instance, root: clone }, stack.gitURL);
    await stack.delivered({
      commit: publication.commit,
      parent: publication.parent ?? '',
      files: [...publication.files],
    });

    t.same(await state(), before, 'branch, index and commits of the clone are as before');
    t.same(
      [...publication.files].sort(),
      [values, 'staged.md', 'untracked.md'].sort(),
      'no ignored file, no image file',
    );
    t.match(await stack.kubectl('-n', APP, 'get', `configmap/${APP}`, '-o', 'jsonpath={.data.LOG_LEVEL}'), 'warn');
    t.equal(await stack.image(), shipped, 'the image is the one that CI shipped');
    t.equal((await publishedImage(stack.instance, APP))?.tag, '1.1.0');
    const again = await publishWorkTree({ ...stack.instance, root: clone }, stack.gitURL);
    t.same(again.files, [], 'a second time there is nothing to publish');
    t.equal(again.commit, publication.commit);
  },
);

t.test('a deleted file is deleted by the next deploy', async (t) => {
  const clone = join(t.testdir({}), 'clone');
  await run('git', ['clone', '--quiet', stack.gitURL, clone]);
  cpSync(join(clone, 'README.md'), join(clone, 'COPY.md'));
  rmSync(join(clone, 'staged.md'));
  const { files } = await publishWorkTree({ ...stack.instance, root: clone }, stack.gitURL);
  t.same([...files].sort(), ['COPY.md', 'staged.md']);
});
