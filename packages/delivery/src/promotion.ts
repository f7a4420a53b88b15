import { CommandError } from '@gitops/report/errors';
import { imageFileAt, requireMain, setFile, writeBlob } from './bump.ts';
import { CI, draftOnMain, type Remote } from './commit.ts';
import { type Git } from './git.ts';
import { type ImageChange, ranImage, readImageChanges } from './image-changes.ts';
import { type Image, imageFile, readImage, setImage } from './image-file.ts';
import { imageReference, messageWith, type Trailers } from './message.ts';
import { clusterBefore } from './pipeline.ts';
import { fetchCommit, push, remoteBranches } from './remote.ts';
import { type Age, compareBuilds, sourceOf } from './sources.ts';

/** Why the rules of promotion do not hold for a promotion, and who says so. */
export interface Emergency {
  readonly reason: string;
  readonly by: string;
}

/** A wish to give a cluster the image that another one runs or ran. */
export interface PromotionWish {
  readonly app: string;
  readonly from: string;
  readonly to: string;
  /** An image that `from` ran; by default the one that it runs. In an emergency any image, with its tag. */
  readonly digest?: string | undefined;
  readonly tag?: string | undefined;
  readonly requestedBy?: string | undefined;
  readonly emergency?: Emergency | undefined;
}

/** One commit of the source between two images. */
export interface SourceCommit {
  readonly commit: string;
  readonly author: string;
  readonly subject: string;
}

/** What a promotion will do. */
export interface Promotion {
  readonly wish: PromotionWish;
  readonly image: Image;
  /** What the cluster has now. */
  readonly present: Image;
  /** How the build stands to the present one. */
  readonly age: Age;
  /** The commits that come with it, or go where the build is older; newest first. */
  readonly commits: readonly SourceCommit[];
  /** How many more there are. */
  readonly more: number;
  readonly trailers: Trailers;
  readonly title: string;
}

/** A promotion as a branch of the remote. */
export interface PromotionBranch {
  readonly promotion: Promotion;
  /** promote/fastify-service/production/1f2e3d4c5b6a */
  readonly branch: string;
  readonly commit: string;
  /** Whether the branch was pushed now; it was there already where not. */
  readonly isNew: boolean;
}

const MOST_COMMITS = 100;
const MOST_BRANCHES = 100;

/** The start of the names of all branches that promote an application to a cluster. */
export const branchPrefix = ({ app, to }: Pick<PromotionWish, 'app' | 'to'>): string => `promote/${app}/${to}/`;

/**
 * Pushes a branch with one commit that gives `to` the image of `from`. What is on a branch never changes, so that nobody
 * approves one image and merges another; another image is another branch, and the same wish again finds its branch.
 * @returns undefined when the cluster has the image already
 * Throws CommandError for an image that `from` never ran, or a `from` that does not come before `to`, unless in an
 * emergency; and when the remote does not answer or refuses.
 */
export async function pushPromotion(remote: Remote, wish: PromotionWish): Promise<PromotionBranch | undefined> {
  let promotion: Promotion | undefined;
  const { git, commit, parent } = await draftOnMain(remote, {
    author: CI,
    message: () => (promotion === undefined ? '' : messageOf(promotion)),
    compose: async (draft) => {
      const main = requireMain(draft, remote);
      const target = imageFile(wish.to, wish.app);
      promotion = await planPromotion(draft.git, remote, main, wish);
      const present = await imageFileAt(draft.git, main, target);
      const blob = await writeBlob(draft.git, setImage(present.text, promotion.image, target));
      await setFile(draft, main, { file: target, mode: present.mode, blob });
    },
  });
  if (promotion === undefined || commit === parent) return undefined;
  const { digest } = promotion.image;
  const name = `${branchPrefix(wish)}${digest.slice('sha256:'.length, 'sha256:'.length + 12)}`;
  for (let number = 1; number <= MOST_BRANCHES; number += 1) {
    const branch = number === 1 ? name : `${name}-${number}`;
    const ref = `refs/heads/${branch}`;
    const tip = async (): Promise<string | undefined> => (await remoteBranches(git, remote, ref)).get(ref);
    let there = await tip();
    if (there === undefined) {
      const refusal = await push(git, remote, { branch: ref, commit, expected: '' });
      if (refusal === undefined) return { promotion, branch, commit, isNew: true };
      there = await tip();
      if (there === undefined)
        throw new CommandError(
          `${remote.url} refuses branch ${branch}: ${refusal}`,
          'nothing was changed; remove what is in its way',
        );
    }
    if (await isPromotion(git, remote, { branch: there, main: parent ?? '', commit }))
      return { promotion, branch, commit: there, isNew: false };
  }
  throw new CommandError(`${MOST_BRANCHES} branches ${name}… are in use`, 'delete those that were merged');
}

/** Whether a branch that is not merged changes the same as the commit does, and nothing else. */
async function isPromotion(
  git: Git,
  remote: Remote,
  { branch, main, commit }: { branch: string; main: string; commit: string },
): Promise<boolean> {
  await fetchCommit(git, remote, branch);
  const base = (await git(['merge-base', main, branch]).catch(() => '')).trim();
  if (base === '' || base === branch) return false;
  const change = async (from: string, to: string): Promise<string> =>
    git(['diff-tree', '-r', '-z', '--no-renames', from, to]);
  return (await change(base, branch)) === (await change(main, commit));
}

/** Finds out what a promotion does. Throws CommandError where a rule forbids it. */
async function planPromotion(git: Git, remote: Remote, main: string, wish: PromotionWish): Promise<Promotion> {
  const { app, from, to, requestedBy, emergency } = wish;
  const present = readImage((await imageFileAt(git, main, imageFile(to, app))).text, imageFile(to, app));
  if (emergency === undefined && clusterBefore(to) !== from)
    throw new CommandError(
      `${to} gets its images from ${clusterBefore(to) ?? 'CI, by bump'}, not from ${from}`,
      'promote along dev, staging, production; in an emergency, add --emergency REASON',
    );
  const image = await wantedImage(git, remote, main, wish);
  const [source, presentSource] = [
    await sourceOf(git, main, app, image.digest),
    await sourceOf(git, main, app, present.digest),
  ];
  const age = await compareBuilds(git, main, { present: presentSource, next: source });
  const { commits, more } = await commitsBetween(git, { older: presentSource, newer: source, age });
  const back = age === 'older' ? ' (an older build)' : '';
  return {
    ...{ wish, image, present, age, commits, more },
    title: `${emergency === undefined ? '' : 'EMERGENCY: '}Promote ${app} ${image.tag} from ${from} to ${to}${back}`,
    trailers: {
      image: imageReference(app, image),
      source,
      requestedBy,
      promotedFrom: from,
      ...(emergency === undefined ? {} : { emergency: `${emergency.reason} (${emergency.by})` }),
    },
  };
}

/** The image to promote. Throws CommandError for one that `from` never ran, unless in an emergency. */
async function wantedImage(git: Git, remote: Remote, main: string, wish: PromotionWish): Promise<Image> {
  const { app, from, digest, tag, emergency } = wish;
  const file = imageFile(from, app);
  const runs = readImage((await imageFileAt(git, main, file)).text, file);
  if (digest === undefined || digest === runs.digest) return requireTag(runs, tag);
  const changes: ImageChange[] = await readImageChanges(git, remote.store, main, { cluster: from, app });
  const ran = ranImage(changes, digest)?.after;
  if (ran !== undefined) return requireTag(ran, tag);
  if (emergency !== undefined && tag !== undefined) return { tag, digest };
  throw new CommandError(
    `${from} never ran ${app} ${digest.slice(0, 19)}…`,
    emergency === undefined
      ? `deploy it to ${from} first; in an emergency, add --emergency REASON`
      : 'name its tag as well: --tag',
  );
}

function requireTag(image: Image, tag: string | undefined): Image {
  if (tag === undefined || tag === image.tag) return image;
  throw new CommandError(
    `${image.digest.slice(0, 19)}… has the tag ${image.tag}, not ${tag}`,
    'leave --tag out: it comes with the digest',
  );
}

const FIELDS = '%H%n%an%n%s';

/** The commits of the source that one of two builds has and the other does not. */
async function commitsBetween(
  git: Git,
  { older, newer, age }: { older: string | undefined; newer: string | undefined; age: Age },
): Promise<Pick<Promotion, 'commits' | 'more'>> {
  if (older === undefined || newer === undefined || (age !== 'newer' && age !== 'older'))
    return { commits: [], more: 0 };
  const range = age === 'newer' ? `${older}..${newer}` : `${newer}..${older}`;
  // What only deploys is no change of the source.
  const paths = ['--', '.', ':(exclude,glob)clusters/*/*.image.yaml'];
  const output = await git(['log', '-z', '--no-merges', `--format=${FIELDS}`, range, ...paths]);
  const all = output.split('\0').filter((record) => record !== '');
  const commits = all.slice(0, MOST_COMMITS).map((record) => {
    const [commit = '', author = '', ...subject] = record.split('\n');
    return { commit, author, subject: subject.join(' ') };
  });
  return { commits, more: all.length - commits.length };
}

const messageOf = ({ title, present, wish, trailers }: Promotion): string =>
  messageWith(title, [`${wish.to} had ${present.tag}@${present.digest}.`], trailers);
