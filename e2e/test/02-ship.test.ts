import t from 'tap';
import { servedRepository } from '@gitops/local';
import { run } from '@gitops/tools/run';
import { APP, type Deployment, Stack } from '../src/stack.ts';

const stack = await Stack.open();
const git = async (...args: string[]): Promise<string> =>
  (await run('git', ['--git-dir', servedRepository(stack.instance), ...args])).trim();

/** The whole Deployment but for the image, the version label that follows it, and what the server writes. */
const apartFromImage = (deployment: Deployment): unknown => {
  const copy = structuredClone(deployment) as Deployment & { status: unknown };
  for (const container of copy.spec.template.spec.containers) container.image = '';
  delete copy.metadata.labels['app.kubernetes.io/version'];
  return { labels: copy.metadata.labels, spec: copy.spec };
};

t.test('ship changes the image and only that, in one commit of two lines', async (t) => {
  const before = await stack.deployment();
  const parent = await git('rev-parse', 'main');
  const image = await stack.ship('2.0.0');
  const after = await stack.deployment();
  t.equal(after.spec.template.spec.containers[0]?.image, image);
  t.ok(await stack.isRolledOut(image));
  t.match(image, /^registry\.internal\/fastify-service:2\.0\.0@sha256:[0-9a-f]{64}$/);
  t.same(apartFromImage(after), apartFromImage(before));
  t.equal(await git('rev-list', '--count', `${parent}..main`), '1');
  t.equal(await git('diff', '--numstat', parent, 'main'), '2\t2\tclusters/local/fastify-service.image.yaml');
});

t.test('the same image again makes no commit', async (t) => {
  const head = await git('rev-parse', 'main');
  const { code, stdout } = await stack.make('ship', '--tag', '2.0.0');
  t.equal(code, 0);
  t.match(stdout, 'Nothing to do');
  t.equal(await git('rev-parse', 'main'), head);
});

t.test('ships that race all land, one after the other', async (t) => {
  const head = await git('rev-parse', 'main');
  const tags = ['2.1.0', '2.1.1', '2.1.2', '2.1.3'];
  const results = await Promise.all(tags.map(async (tag) => stack.make('ship', '--tag', tag)));
  for (const [index, { code, stderr }] of results.entries()) t.equal(code, 0, `${tags[index] ?? ''} ${stderr}`);
  const subjects = (await git('log', '--format=%s', `${head}..main`)).split('\n').sort();
  t.same(
    subjects,
    tags.map((tag) => `Deploy ${APP} ${tag} to local`),
    'no update is lost',
  );
  t.equal(await git('rev-list', '--count', '--merges', `${head}..main`), '0');
});

t.test('what cannot be shipped is refused, and main stays', async (t) => {
  const head = await git('rev-parse', 'main');
  const cases: [string[], number, RegExp][] = [
    [['--digest', `sha256:${'a'.repeat(64)}`], 2, /DIGEST needs TAG/],
    [['--tag', 'latest'], 2, /--tag: latest is not a version/],
    [['--tag', '1.0 && rm'], 2, /--tag: must be up to 128 letters/],
    [['--tag', '-x'], 2, /--tag: must be up to 128 letters/],
    [['--tag', '1.0.0', '--digest', 'sha256:abc'], 2, /--digest: must be sha256:/],
    [['--tag', '1.0.0', '--app', 'nope'], 1, /main has no clusters\/local\/nope\.image\.yaml/],
    [['--tag', '1.0.0', '--app', '../../etc'], 2, /--app: must be lower-case letters, digits and dashes/],
  ];
  for (const [args, expected, message] of cases) {
    const { code, stdout, stderr } = await stack.make('ship', ...args);
    t.equal(code, expected, args.join(' '));
    t.match(stderr, message);
    t.match(stderr, / next: /);
    t.equal(stdout, '');
  }
  t.equal(await git('rev-parse', 'main'), head);
});
