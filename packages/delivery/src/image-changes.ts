import { type Git, readBlobs } from './git.ts';
import { type Image, ImageFileError, isImageFile, readImage } from './image-file.ts';
import { changedFiles, commitsOf } from './log.ts';

// No such blob.
const NOTHING = /^0+$/;

/** What an image file was and became when main moved by one commit (by a whole pull request where it was a merge). */
export interface ImageChange {
  readonly commit: string;
  /** ISO 8601 */
  readonly date: string;
  readonly author: string;
  readonly message: string;
  readonly file: string;
  readonly cluster: string;
  readonly app: string;
  /** Undefined where there was no such file, or none that can be read. */
  readonly before: Image | undefined;
  readonly after: Image | undefined;
  /** Whether the file was not there before. */
  readonly isNew: boolean;
  /** Why the file cannot be read after it. */
  readonly problem: string | undefined;
}

/** Which files to look at; all by default. */
export interface Selection {
  readonly cluster?: string | undefined;
  readonly app?: string | undefined;
}

/**
 * All changes of image files on a branch, oldest first. Only first parents count: what a branch held before it was merged,
 * no cluster ran.
 * @param repository where git reads objects
 * Throws RunError for a revision that the repository does not have.
 */
export async function readImageChanges(
  git: Git,
  repository: string,
  revision: string,
  { cluster = '*', app = '*' }: Selection = {},
): Promise<ImageChange[]> {
  const paths = [`:(glob)clusters/${cluster}/${app}.image.yaml`];
  const raw = (await changedFiles(git, revision, paths)).filter(({ file }) => isImageFile(file));
  const about = new Map((await commitsOf(git, revision, paths)).map((each) => [each.commit, each]));
  const blobs = raw.flatMap(({ before, after }) => [before, after]).filter((name) => !NOTHING.test(name));
  const texts = await readBlobs(repository, blobs);

  return raw.map(({ commit, file, before, after }) => {
    const [, inCluster = '', name = ''] = file.split('/');
    const is = imageIn(texts.get(after), file);
    const { date = '', author = '', message = '' } = about.get(commit) ?? {};
    return {
      ...{ commit, date, author, message, file },
      ...{ cluster: inCluster, app: name.slice(0, -'.image.yaml'.length) },
      before: imageIn(texts.get(before), file).image,
      after: is.image,
      isNew: NOTHING.test(before),
      problem: is.problem,
    };
  });
}

function imageIn(text: string | undefined, file: string): { image?: Image | undefined; problem?: string | undefined } {
  if (text === undefined) return {};
  try {
    return { image: readImage(text, file) };
  } catch (error) {
    if (!(error instanceof ImageFileError)) throw error;
    return { problem: error.message };
  }
}

/** The newest change by which a cluster got an image; undefined where it never had it. */
export const ranImage = (changes: readonly ImageChange[], digest: string): ImageChange | undefined =>
  changes.findLast(({ after }) => after?.digest === digest);
