import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { gitIn } from '../src/git.ts';
import { eventsOf } from '../src/history.ts';
import { type ImageChange, readImageChanges } from '../src/image-changes.ts';
import { PIPELINE } from '../src/pipeline.ts';
import { checkPromotions } from '../src/promotions.ts';
import { digest, imageText } from './served-repository.ts';

// A history: what each step gives to which cluster, and whether it says that it is an emergency.
interface Step {
  readonly cluster: string;
  /** The number of an image, 0 to 15. */
  readonly image: number;
  readonly emergency: boolean;
}

const step = fc.record({
  cluster: fc.constantFrom('local', ...PIPELINE),
  image: fc.integer({ min: 0, max: 15 }),
  emergency: fc.boolean(),
});
const histories = fc.array(step, { maxLength: 40 });

/** The invariant by its definition: what every cluster ran at any time, by brute force. */
function broken(steps: readonly Step[]): number[] {
  const isFine = ({ cluster, image }: Step, at: number): boolean => {
    const before = PIPELINE[(PIPELINE as readonly string[]).indexOf(cluster) - 1];
    const ran = steps.slice(0, at).some((earlier) => earlier.cluster === before && earlier.image === image);
    // Every cluster starts with image 0.
    return before === undefined || image === 0 || ran;
  };
  return steps.flatMap((each, at) => (isFine(each, at) ? [] : [at]));
}

const letterOf = (image: number): string => image.toString(16);
const messageOf = ({ emergency }: Step): string => `Deploy\n${emergency ? '\nEmergency: all is down (Ann)\n' : ''}`;
const start = ['local', ...PIPELINE].map((cluster) => ({ cluster, image: 0, emergency: false }));

/** The same as changes, without Git. */
function changesOf(steps: readonly Step[]): ImageChange[] {
  const now = new Map<string, number>();
  return [...start, ...steps].flatMap((each, at): ImageChange[] => {
    const before = now.get(each.cluster);
    now.set(each.cluster, each.image);
    if (before === each.image) return [];
    const image = (number: number) => ({ tag: String(number), digest: digest(letterOf(number)) });
    return [
      {
        ...{ commit: String(Math.max(0, at - start.length + 1)), date: '2026-11-25T00:00:00Z', author: 'CI' },
        ...{
          message: messageOf(each),
          file: `clusters/${each.cluster}/app.image.yaml`,
          cluster: each.cluster,
          app: 'app',
        },
        ...{ before: before === undefined ? undefined : image(before), after: image(each.image) },
        ...{ isNew: before === undefined, problem: undefined },
      },
    ];
  });
}

/** Where the steps are that change something: a step that does not is no commit's change. */
function effective(steps: readonly Step[]): Step[] {
  const now = new Map<string, number>(start.map(({ cluster }) => [cluster, 0]));
  return steps.filter(({ cluster, image }) => {
    const isChange = now.get(cluster) !== image;
    now.set(cluster, image);
    return isChange;
  });
}

t.test('the check finds exactly the steps that break the invariant, over any history', (t) => {
  fc.assert(
    fc.property(histories, (all) => {
      const steps = effective(all);
      const { problems, emergencies } = checkPromotions(changesOf(steps));
      const wrong = broken(steps);
      const [loud, silent] = [wrong.filter((at) => steps[at]?.emergency), wrong.filter((at) => !steps[at]?.emergency)];
      const found = (lines: readonly string[]) => lines.map((line) => Number(line.split(' ')[0]) - 1);
      t.strictSame(found(problems), silent);
      t.strictSame(found(emergencies), loud);
    }),
    { numRuns: 500 },
  );
  t.end();
});

t.test('the same over real repositories, with merges by merge commit, squash and rebase', async (t) => {
  const folder = t.testdir({});
  let number = 0;
  await fc.assert(
    fc.asyncProperty(histories, fc.array(fc.boolean(), { maxLength: 40 }), async (all, merges) => {
      const steps = effective(all);
      const repository = join(folder, `${(number += 1)}.git`);
      build(repository, steps, merges);
      const git = gitIn(repository);
      const changes = await readImageChanges(git, repository, 'refs/heads/main');
      const { problems, emergencies } = checkPromotions(changes);
      const wrong = broken(steps);
      const silent = wrong.filter((at) => !steps[at]?.emergency);
      t.equal(problems.length, silent.length);
      t.equal(emergencies.length, wrong.length - silent.length);
      const files = silent.map((at) => `clusters/${steps[at]?.cluster ?? ''}/app.image.yaml`);
      t.strictSame(
        problems.map((line) => line.split(' ')[2]?.slice(0, -1)),
        files,
      );
      t.equal(eventsOf(changes).length, steps.length + start.length, 'and history has each of them');
    }),
    { numRuns: 25 },
  );
});

/** Writes a history to a new repository, by one process. */
function build(repository: string, steps: readonly Step[], merges: readonly boolean[]): void {
  const lines: string[] = [];
  const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}`;
  const commit = (ref: string, message: string, parents: string, changes: readonly Step[]): void => {
    lines.push(`commit ${ref}`, `mark :${(mark += 1)}`, 'committer CI <ci@localhost> 1764000000 +0000', data(message));
    if (parents !== '') lines.push(parents);
    for (const { cluster, image } of changes) {
      lines.push(`M 100644 inline clusters/${cluster}/app.image.yaml`, data(imageText(String(image), letterOf(image))));
    }
    lines.push('');
  };
  let mark = 0;
  commit('refs/heads/main', 'Start\n', '', start);
  let tip = mark;
  for (const [at, each] of steps.entries()) {
    if (merges[at] === true) {
      // The branch says that it is an emergency, the merge does not.
      commit('refs/heads/branch', messageOf(each), `from :${tip}`, [each]);
      commit('refs/heads/main', 'Merge pull request #1\n', `from :${tip}\nmerge :${mark}`, [each]);
    } else commit('refs/heads/main', messageOf(each), `from :${tip}`, [each]);
    tip = mark;
  }
  spawnSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', repository]);
  const { status, stderr } = spawnSync('git', ['--git-dir', repository, 'fast-import', '--quiet'], {
    input: lines.join('\n'),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
}

t.test('what one commit gives to two clusters, no cluster ran before the other; new files may come together', (t) => {
  const [, dev, staging] = changesOf([]);
  if (dev === undefined || staging === undefined) throw new Error('no changes');
  t.strictSame(checkPromotions([dev, staging]).problems, []);
  const after = { tag: '1', digest: digest('1') };
  const both = [dev, staging].map((change) => ({ ...change, commit: 'b', isNew: false, before: change.after, after }));
  t.match(checkPromotions([dev, staging, ...both]).problems, [/staging gets 1@sha256:1{12}…, which dev never ran$/]);
  t.match(checkPromotions([{ ...staging }]).problems, [/which dev never ran$/], 'a new file without the one before it');
  const unreadable = { ...dev, after: undefined, problem: 'clusters/dev/app.image.yaml:1: image: missing' };
  t.match(checkPromotions([unreadable]).problems, [/cannot be read after it: /]);
  t.end();
});

t.test('history says what happened', (t) => {
  const message = (lines: string) => `Subject\n\n${lines}\n`;
  const at = (image: number, over: Partial<ImageChange>): ImageChange => ({
    ...{ commit: 'c', date: '2026-11-25T00:00:00Z', author: 'CI', message: '', file: 'clusters/dev/app.image.yaml' },
    ...{ cluster: 'dev', app: 'app', before: undefined, isNew: false, problem: undefined },
    after: { tag: String(image), digest: digest(letterOf(image)) },
    ...over,
  });
  const image = (number: number) => ({ tag: String(number), digest: digest(letterOf(number)) });
  const bumped = message(`Image: app:1@${digest('1')}\nRequested-By: Ann`);
  const events = eventsOf([
    at(0, { isNew: true }),
    at(1, { before: image(0), message: bumped }),
    at(2, { before: image(1), message: message('Image: app:2\nPromoted-From: dev') }),
    at(1, { before: image(2), message: bumped }),
    at(2, { before: image(1), message: bumped }),
    at(3, { before: image(2) }),
    at(4, { before: image(3), message: message('Emergency: all is down (Ann)') }),
    at(4, { before: image(4), after: { tag: '5', digest: digest('4') }, message: bumped }),
    at(5, { before: image(4), after: undefined }),
    at(5, { after: undefined, problem: 'no' }),
  ]);
  t.strictSame(
    events.map(({ what }) => what),
    [
      ...['added', 'deployed', 'promoted from dev', 'rolled back', 'deployed', 'changed by hand', 'EMERGENCY'],
      ...['tag changed', 'removed', 'made unreadable'],
    ],
  );
  t.strictSame([events[0]?.who, events[1]?.who], ['CI', 'Ann']);
  t.end();
});
