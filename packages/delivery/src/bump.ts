import { CommandError } from '@gitops/report/errors';
import { commitToMain, type Publication, type Remote } from './commit.ts';
import { type Image, imageFile, setImage } from './image-file.ts';

/** An image for an application of a cluster, both named as in `clusters/<cluster>/<app>.image.yaml`. */
export interface Bump extends Image {
  readonly cluster: string;
  readonly app: string;
}

const CI = { name: 'CI', email: 'ci@localhost' };

/**
 * CI's part of a deployment: one commit that sets tag and digest in one image file and changes no other byte. The image
 * that main has already is no commit.
 * Throws CommandError when main has no such file, ImageFileError when the file or the image breaks a rule, and what
 * commitToMain throws.
 */
export async function bump(remote: Remote, { cluster, app, tag, digest }: Bump): Promise<Publication> {
  const file = imageFile(cluster, app);
  return commitToMain(remote, {
    author: CI,
    message: `Deploy ${app} ${tag} to ${cluster}\n`,
    compose: async ({ git, index, parent }) => {
      if (parent === undefined) throw new CommandError(`${remote.url} has no branch main`, remote.advice);
      if ((await git(['ls-tree', parent, '--', file])).trim() === '')
        throw new CommandError(`main has no ${file}`, 'name an application that has an image file in this cluster');
      const text = setImage(await git(['cat-file', 'blob', `${parent}:${file}`]), { tag, digest }, file);
      const blob = (await git(['hash-object', '-w', '--stdin'], { input: text })).trim();
      await git(['read-tree', parent], { index });
      await git(['update-index', '--cacheinfo', `100644,${blob},${file}`], { index });
    },
  });
}
