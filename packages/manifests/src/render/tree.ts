import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LineCounter, parseAllDocuments } from 'yaml';
import { ImageFileError, readImage } from '@gitops/delivery/image-file';
import { firstErrors, readYamlFile } from '@gitops/settings/yaml-file';

/** Files below clusters/ that no Application reads, by name or by cluster and name, and who does. */
const READ_BY_OTHERS: Readonly<Record<string, string>> = {
  'cluster.yaml': 'packages/settings',
  'slo.yaml': 'packages/load, which judges load tests by it',
  'local/argocd.yaml': 'packages/local, for its Argo CD',
  'local/monitoring.yaml': 'packages/local, for `make monitoring`',
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

/** Folders below clusters/, without the shared one. */
export const clusterFolders = (root: string): string[] =>
  readdirSync(join(root, 'clusters'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== SHARED)
    .map(({ name }) => name)
    .sort();

/** The YAML files that people write, without templates: those are no YAML before Helm has rendered them. */
export const yamlFiles = (root: string): string[] =>
  ['clusters', 'argocd', 'charts']
    .flatMap((folder) => filesBelow(root, folder))
    .filter((file) => /\.ya?ml$/.test(file) && !file.includes('/templates/') && !isManifest(file));

// Manifests may hold several documents, and their strings are Argo CD's templates.
const isManifest = (file: string): boolean => file.startsWith('argocd/applications/');

/** A problem with a whole file. */
const fileProblem = (file: string, rule: string, line = 1): string => `${file}:${line}: the file: ${rule}`;

/**
 * Folders without settings, files that do not end as all others do, image files that hold more than an image, and files
 * that cannot be read.
 */
export const treeProblems = (root: string): string[] => [
  ...clusterFolders(root)
    .map((name) => `clusters/${name}/cluster.yaml`)
    .filter((file) => !existsSync(join(root, file)))
    .map((file) => fileProblem(file, 'missing; a folder below clusters/ is a cluster, and this file describes it')),
  ...filesBelow(root, 'clusters')
    .filter((file) => file.endsWith('.yml'))
    .map((file) => fileProblem(file, 'must end in .yaml')),
  ...yamlFiles(root).flatMap((file) => readYamlFile(root, file).problems),
  ...filesBelow(root, 'argocd')
    .filter(isManifest)
    .flatMap((file) => manifestProblems(root, file)),
  ...filesBelow(root, 'clusters')
    .filter((file) => file.endsWith('.image.yaml'))
    .flatMap((file) => imageFileProblems(root, file)),
];

// Equal texts are parsed once.
const known = new Map<string, readonly string[]>();

/** Duplicate keys and other YAML errors in a manifest that Argo CD reads as it is. */
function manifestProblems(root: string, file: string): readonly string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const key = `${file}\n${text}`;
  const problems = known.get(key) ?? parseProblems(file, text);
  known.set(key, problems);
  return problems;
}

function parseProblems(file: string, text: string): string[] {
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter, uniqueKeys: true, prettyErrors: false });
  const errors = firstErrors(documents.flatMap((document) => document.errors));
  return errors.map(({ message, pos }) => fileProblem(file, message, lineCounter.linePos(pos[0]).line));
}

function imageFileProblems(root: string, file: string): string[] {
  // Reported already.
  if (readYamlFile(root, file).problems.length > 0) return [];
  try {
    readImage(readFileSync(join(root, file), 'utf8'), file);
    return [];
  } catch (error) {
    if (error instanceof ImageFileError) return [error.message];
    throw error;
  }
}

/** @param file clusters/dev/cluster.yaml */
function isReadByOthers(file: string): boolean {
  const [, cluster = '', name = ''] = file.split('/');
  return Object.hasOwn(READ_BY_OTHERS, name) || Object.hasOwn(READ_BY_OTHERS, `${cluster}/${name}`);
}

/**
 * Values files that nothing reads: a typing error in their name would otherwise go unnoticed.
 * @param read the files that Applications read, from the repository's root
 */
export const unreadFiles = (root: string, read: ReadonlySet<string>): string[] =>
  filesBelow(root, 'clusters')
    .filter((file) => file.endsWith('.yaml') && !read.has(file))
    .filter((file) => !isReadByOthers(file))
    .map((file) =>
      fileProblem(file, 'no Application reads it; its name must be that of an Application of argocd/applications'),
    );
