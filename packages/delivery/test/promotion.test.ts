import t from 'tap';
import { bump } from '../src/bump.ts';
import { commitToMain } from '../src/commit.ts';
import { pushPromotion } from '../src/promotion.ts';
import { pullRequestText } from '../src/pull-request.ts';
import { digest, type Fixture, imageText, serveImages, writing } from './served-repository.ts';

const wish = { app: 'app', from: 'dev', to: 'staging' };
const branchOf = (letter: string, end = ''): string => `promote/app/staging/${letter.repeat(12)}${end}`;
const deploy = async ({ remote }: Fixture, letter: string, source?: string) =>
  bump(remote, { cluster: 'dev', app: 'app', tag: `1.${letter}`, digest: digest(letter), source });
/** Merges a branch as GitHub does by a merge commit. */
const merge = async ({ git }: Fixture, branch: string): Promise<void> => {
  const identity = ['-c', 'user.name=Reviewer', '-c', 'user.email=reviewer@localhost'];
  const tree = (await git('merge-tree', '--write-tree', 'main', branch)).split('\n')[0] ?? '';
  const message = `Merge pull request #1 from ${branch}`;
  const commit = await git(...identity, 'commit-tree', '-p', 'main', '-p', branch, '-m', message, tree);
  await git('update-ref', 'refs/heads/main', commit);
};

/** A commit of somebody else, with another file. */
const commitOn = async ({ git }: Fixture, parent: string): Promise<string> => {
  const identity = ['-c', 'user.name=Other', '-c', 'user.email=other@localhost'];
  const tree = await git('rev-parse', `${parent}^{tree}:clusters`);
  return git(...identity, 'commit-tree', '-p', parent, '-m', 'More', tree);
};

t.test('a promotion is a branch with one commit that copies tag and digest', async (t) => {
  const fixture = await serveImages(t);
  const { remote, other, git } = fixture;
  await deploy(fixture, 'a');
  const main = await git('rev-parse', 'main');
  const pushed = await pushPromotion(remote, { ...wish, requestedBy: 'Ann' });
  t.match(pushed, { branch: branchOf('a'), isNew: true, promotion: { title: 'Promote app 1.a from dev to staging' } });
  t.equal(await git('rev-parse', branchOf('a')), pushed?.commit);
  t.equal(await git('diff', '--numstat', main, branchOf('a')), '2\t2\tclusters/staging/app.image.yaml');
  t.equal(await git('show', `${branchOf('a')}:clusters/staging/app.image.yaml`), imageText('1.a', 'a').trim());
  t.equal(await git('rev-parse', 'main'), main, 'main stays');
  t.equal(
    await git('log', '-1', '--format=%B', branchOf('a')),
    `Promote app 1.a from dev to staging\n\nstaging had 0@${digest('0')}.\n\nImage: app:1.a@${digest('a')}\nRequested-By: Ann\nPromoted-From: dev`,
  );

  const again = await pushPromotion(other, wish);
  t.match(again, { branch: branchOf('a'), commit: pushed?.commit, isNew: false }, 'the same wish finds its branch');
  await commitToMain(remote, writing({ 'README.md': 'more\n' }));
  t.match(await pushPromotion(remote, wish), { commit: pushed?.commit, isNew: false }, 'also after main moved');
  await merge(fixture, branchOf('a'));
  t.equal(await pushPromotion(remote, wish), undefined, 'nothing to do once it is merged');
});

t.test('the platforms of an image come with it; without them it is promoted as well', async (t) => {
  const fixture = await serveImages(t);
  const { remote, git } = fixture;
  const platforms = ['linux/amd64', 'linux/arm64'];
  const staging = async (branch: string, image?: string): Promise<string> => {
    await pushPromotion(remote, { ...wish, digest: image });
    return git('show', `${branch}:clusters/staging/app.image.yaml`);
  };
  await bump(remote, { cluster: 'dev', app: 'app', tag: '1.a', digest: digest('a'), platforms });
  t.match(await staging(branchOf('a')), '  platforms: [linux/amd64, linux/arm64]');
  await merge(fixture, branchOf('a'));
  await deploy(fixture, 'b');
  t.match(await staging(branchOf('b')), '  platforms: []', 'not those of the image before');
  await merge(fixture, branchOf('b'));
  const back = await staging(branchOf('a', '-2'), digest('a'));
  t.match(back, '  platforms: [linux/amd64, linux/arm64]', 'an earlier image has those that it had then');
});

t.test('what is on a branch never changes: another image, or a merged branch, gives another branch', async (t) => {
  const fixture = await serveImages(t);
  const { remote, git } = fixture;
  await deploy(fixture, 'a');
  const first = await pushPromotion(remote, wish);
  await deploy(fixture, 'b');
  t.match(await pushPromotion(remote, wish), { branch: branchOf('b') });
  t.equal(await git('rev-parse', branchOf('a')), first?.commit);
  await merge(fixture, branchOf('a'));
  await commitToMain(remote, writing({ 'clusters/staging/app.image.yaml': imageText('0', '0') }));
  const back = await pushPromotion(remote, { ...wish, digest: digest('a') });
  t.match(back, { branch: branchOf('a', '-2'), isNew: true }, 'the branch was merged, and main went back since');
  await git('update-ref', `refs/heads/${branchOf('c')}`, 'main');
  await deploy(fixture, 'c');
  t.match(
    await pushPromotion(remote, wish),
    { branch: branchOf('c', '-2') },
    'a branch of somebody else is left alone',
  );
  await deploy(fixture, 'd');
  const theirs = await pushPromotion(remote, wish);
  await git('update-ref', `refs/heads/${branchOf('d')}`, await commitOn(fixture, theirs?.commit ?? ''));
  t.match(await pushPromotion(remote, wish), { branch: branchOf('d', '-2') }, 'and so is one with more commits');
});

t.test('only an image that the source ran, along the pipeline', async (t) => {
  const fixture = await serveImages(t);
  const { remote, git } = fixture;
  await deploy(fixture, 'a');
  await deploy(fixture, 'b');
  const refs = await git('for-each-ref');
  const refused: [object, RegExp][] = [
    [{ ...wish, digest: digest('c') }, /^dev never ran app sha256:cccccccccccc…$/],
    [{ ...wish, from: 'dev', to: 'production' }, /^production gets its images from staging, not from dev$/],
    [{ ...wish, from: 'staging', to: 'dev' }, /^dev gets its images from CI, by bump, not from staging$/],
    [{ ...wish, from: 'local' }, /^staging gets its images from dev, not from local$/],
    [{ ...wish, app: 'nope' }, /^main has no clusters\/staging\/nope\.image\.yaml; it has /],
    [{ ...wish, digest: digest('a'), tag: '9' }, /has the tag 1\.a, not 9$/],
  ];
  for (const [refusal, message] of refused)
    await t.rejects(pushPromotion(remote, refusal as typeof wish), { message }, String(message));
  t.equal(await git('for-each-ref'), refs, 'nothing was pushed');
  t.match(
    await pushPromotion(remote, { ...wish, digest: digest('a') }),
    { branch: branchOf('a'), promotion: { image: { tag: '1.a' } } },
    'an earlier image of the source, with its own tag',
  );
});

t.test('an emergency passes by the rules, and says so in title, commit and text', async (t) => {
  const { remote, git } = await serveImages(t);
  const emergency = { reason: 'Login is down\nSigned-off-by: nobody', by: 'Ann' };
  const skip = { app: 'app', from: 'dev', to: 'production', digest: digest('c'), emergency };
  await t.rejects(pushPromotion(remote, skip), { message: /^dev never ran /, next: 'name its tag as well: --tag' });
  const pushed = await pushPromotion(remote, { ...skip, tag: '9' });
  if (pushed === undefined) throw new Error('nothing was pushed');
  const message = await git('log', '-1', '--format=%B', pushed.branch);
  t.match(message, /^EMERGENCY: Promote app 9 from dev to production\n/);
  t.match(message, /^Emergency: Login is down Signed-off-by: nobody \(Ann\)$/m);
  const { title, body } = pullRequestText(pushed.promotion, undefined);
  t.match(title, /^EMERGENCY: /);
  t.match(body, /^> \[!CAUTION\]\n> \*\*Emergency\.\*\* /);
  t.match(body, /\nEmergency: Login is down Signed-off-by: nobody \(Ann\)\n```\n$/, 'a squash merge keeps it');
});

t.test('the text lists the commits in between, and nothing in it is a mention or markup', async (t) => {
  const fixture = await serveImages(t);
  const { remote, git, moveMain } = fixture;
  await deploy(fixture, 'a', await moveMain());
  await deploy(fixture, 'b', await moveMain());
  const first = await pushPromotion(remote, { ...wish, digest: digest('a') });
  await merge(fixture, first?.branch ?? '');
  await commitToMain(remote, {
    ...writing({ 'service.ts': 'x' }),
    message: 'Fix @acme/team ``` </details> #1 $(reboot)\n',
  });
  const source = await git('rev-parse', 'main');
  await deploy(fixture, 'c', source);
  const newer = await pushPromotion(remote, wish);
  if (newer === undefined) throw new Error('nothing was pushed');
  t.equal(newer.promotion.age, 'newer');
  const { body } = pullRequestText(newer.promotion, '### What it does\n');
  t.match(body, /<b>Commits that come to staging: 1<\/b>/);
  t.match(body, `\`\`\`\`\n${source.slice(0, 10)} Fix @acme/team \`\`\` </details> #1 $(reboot) (Developer)\n`);
  t.match(body, /\n### What it does\n/);
  t.notMatch(body.replaceAll(/(`{3,})\n[^]*?\n\1/g, ''), /@acme/, 'outside of code');
  await merge(fixture, newer.branch);

  const older = await pushPromotion(remote, { ...wish, digest: digest('a') });
  if (older === undefined) throw new Error('nothing was pushed');
  t.match(older.promotion.title, /\(an older build\)$/);
  t.match(pullRequestText(older.promotion, undefined).body, /<b>Commits that are taken from staging: 1<\/b>/);
  t.throws(() => pullRequestText(newer.promotion, 'x'.repeat(65_537)), { message: /GitHub takes 65536/ });
});
