import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LineCounter, parseAllDocuments } from 'yaml';
import { ImageFileError, readImage } from '@gitops/delivery/image-file';
import { readYamlFile } from '@gitops/settings/yaml-file';

/** Files below clusters/ that no Application reads, and who does. */
const READ_BY_OTHERS: Readonly<Record<string, string>> = {
  'cluster.yaml': 'packages/settings',
  'argocd.yaml': 'whoever installs Argo CD: CDKTF, or packages/local',
};

const SHARED = 'shared';

/** Every file below a folder, as paths from the repository's root, sorted. */
export function filesBelow(root: string, folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap((entry) =>
      entry.isDirectory() ? filesBelow(root, `${folder}/${entry.name}`) : [`${folder}/${entry.name}`],
    )
    .sort();
}

/** Folders below clusters/, but for the shared one. */
export const clusterFolders = (root: string): string[] =>
  readdirSync(join(root, 'clusters'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== SHARED)
    .map(({ name }) => name)
    .sort();

/** The YAML files that people write, templates left out: those are no YAML before Helm has read them. */
export const yamlFiles = (root: string): string[] =>
  ['clusters', 'argocd', 'charts']
    .flatMap((folder) => filesBelow(root, folder))
    .filter((file) => /\.ya?ml$/.test(file) && !file.includes('/templates/') && !isManifest(file));

// Manifests may hold several documents, and their strings are Argo CD's templates.
const isManifest = (file: string): boolean => file.startsWith('argocd/applications/');

/** Keys that stand twice, and whatever else is no YAML, in the manifests that Argo CD reads as they are. */
function manifestProblems(root: string): string[] {
  return filesBelow(root, 'argocd')
    .filter(isManifest)
    .flatMap((file) => {
      const lines = new LineCounter();
      const documents = parseAllDocuments(readFileSync(join(root, file), 'utf8'), {
        lineCounter: lines,
        uniqueKeys: true,
        prettyErrors: false,
      });
      return documents.flatMap(({ errors }) =>
        errors.map(({ message, pos }) => `${file}:${lines.linePos(pos[0]).line}: the file: ${message}`),
      );
    });
}

/**
 * Folders without settings, files of another name than all others, image files that hold more than an image, and
 * whatever cannot be read.
 */
export function treeProblems(root: string): string[] {
  const folders = clusterFolders(root).filter((name) => !existsSync(join(root, 'clusters', name, 'cluster.yaml')));
  const unreadable = yamlFiles(root).flatMap((file) => readYamlFile(root, file).problems);
  return [
    ...folders.map(
      (name) =>
        `clusters/${name}/cluster.yaml:1: the file: does not exist; a folder below clusters/ is a cluster, and this file says which`,
    ),
    ...filesBelow(root, 'clusters')
      .filter((file) => file.endsWith('.yml'))
      .map((file) => `${file}:1: the file: must end in .yaml, as all others do`),
    ...unreadable,
    ...manifestProblems(root),
    ...imageFileProblems(root),
  ];
}

function imageFileProblems(root: string): string[] {
  return filesBelow(root, 'clusters').flatMap((file) => {
    if (!file.endsWith('.image.yaml') || readYamlFile(root, file).problems.length > 0) return [];
    try {
      readImage(readFileSync(join(root, file), 'utf8'), file);
      return [];
    } catch (error) {
      if (error instanceof ImageFileError) return [error.message];
      throw error;
    }
  });
}

/**
 * Values files that nothing reads: a typing error in their name would otherwise go unnoticed for years.
 * @param read the files that Applications read, from the repository's root
 */
export function unreadFiles(root: string, read: ReadonlySet<string>): string[] {
  return filesBelow(root, 'clusters')
    .filter(
      (file) =>
        file.endsWith('.yaml') && !read.has(file) && !Object.hasOwn(READ_BY_OTHERS, file.split('/').at(-1) ?? ''),
    )
    .map(
      (file) =>
        `${file}:1: the file: no Application reads it; its name must be that of an Application of argocd/applications`,
    );
}
