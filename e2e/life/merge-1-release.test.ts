import t from 'tap';
import { timelineTable } from '@gitops/local';
import { release, standBack, standInForDev } from '../src/release-drill.ts';
import { Stack } from '../src/stack.ts';

// Real: Git, the workflow's steps, the image, its push, the bump, Argo CD, the pods. Stand-ins: GitHub's API, the roles of
// AWS, ECR's name (its images are in the stack's registry) and its findings, npm's list of vulnerabilities, attestations.

const stack = await Stack.open();
await standInForDev(stack);

t.test('a merge that changes the service: released, deployed, and the pods answer by it', async (t) => {
  const { scene, outcome, commit, image, timeline } = await release(t, stack, 'As of this merge', t.testdir({}));
  t.comment(`push to main → pods, second by second\n${timelineTable(timeline)}`);

  t.strictSame(outcome.codes, { release: 0 });
  t.equal(image.tag, commit);
  const reference = `registry.internal/fastify-service:${commit}@${image.digest}`;
  t.ok(await stack.isRolledOut(reference), 'every pod runs the digest that the workflow pushed');

  const { git, github } = scene;
  t.equal(git('log', '-1', '--format=%s', 'origin/main'), `Deploy fastify-service ${commit} to dev`);
  t.equal(git('rev-parse', 'origin/main^'), commit, 'the commit follows the one that was merged');
  t.strictSame(scene.startedBy(commit, 'origin/main'), ['ci'], 'and starts no release');
  t.strictSame(github.pushes, ['release/bump', 'release/promote']);
  t.strictSame(github.refused, []);
  t.strictSame(scene.unreachable, [], 'nothing else was asked for over TLS');

  const [proposal, ...others] = github.pullRequests;
  t.strictSame(others, []);
  t.match(proposal, { title: `Promote fastify-service ${commit} from dev to staging`, by: 'release/promote' });
  t.match(git('show', `origin/${proposal?.head ?? ''}:clusters/staging/fastify-service.image.yaml`), image.digest);
});

t.test('the stack is local again', async () => standBack(stack));
