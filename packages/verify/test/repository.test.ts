import { spawnSync } from 'node:child_process';
import t from 'tap';
import { parse } from 'yaml';
import { FIRST_SERVICE, serviceNames } from '@gitops/settings/services';
import { filesOfTree, read, root } from './tree.ts';

/** The lines of a file that are patterns with what belongs to them, without comments. */
const patternsOf = (file: string): { pattern: string; values: string[] }[] =>
  read(file)
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const [pattern = '', ...values] = line.trim().split(/\s+/);
      return { pattern, values };
    });

const git = (...args: string[]): string => spawnSync('git', ['-C', root, ...args], { encoding: 'utf8' }).stdout;

/** The tracked files that a pattern of .gitignore matches; CODEOWNERS and .gitattributes have the same syntax. */
const filesBy = (pattern: string): string[] =>
  git('ls-files', '-z', '--cached', '--ignored', `--exclude=${pattern}`)
    .split('\0')
    .filter((file) => file !== '');

const owners = patternsOf('.github/CODEOWNERS');

t.test('every pattern of CODEOWNERS matches a file, and every folder at the top has owners', (t) => {
  for (const { pattern, values } of owners) {
    t.ok(filesBy(pattern).length > 0, pattern);
    t.ok(values.length > 0, `${pattern} has an owner`);
  }
  const folders = new Set(
    filesOfTree().flatMap((file) => (file.includes('/') ? [`/${file.split('/')[0] ?? ''}/`] : [])),
  );
  t.strictSame(
    [...folders].filter((folder) => !owners.some(({ pattern }) => pattern === folder)),
    [],
  );
  t.end();
});

t.test('the teams are named in CODEOWNERS alone, each with who it is', (t) => {
  const comments = read('.github/CODEOWNERS')
    .split('\n')
    .filter((line) => line.startsWith('#   @'));
  const named = comments.map((line) => line.split(/\s+/)[1] ?? '');
  t.strictSame([...new Set(owners.flatMap(({ values }) => values))].sort(), named.sort());
  // placeholders.test.ts compares the guide with this file.
  const where = ['--', '.', ':!docs/guides/adopting.md'];
  const teams = named.flatMap((team) => ['-e', team]);
  const elsewhere = git('grep', '--files-with-matches', '--fixed-strings', ...teams, ...where);
  t.equal(elsewhere.trim(), '.github/CODEOWNERS');
  t.end();
});

t.test('who reviews clusters/ does not review image files', (t) => {
  const [platform = ''] = owners.find(({ pattern }) => pattern === '/clusters/')?.values ?? [];
  const images = filesOfTree().filter((file) => file.endsWith('.image.yaml'));
  t.ok(platform !== '' && images.length > 0);
  for (const file of images) {
    const last = owners.findLast(({ pattern }) => filesBy(pattern).includes(file));
    t.notOk(last?.values.includes(platform), `${file}: ${last?.pattern ?? ''}`);
  }
  t.end();
});

t.test('every pattern of .gitattributes matches a file', (t) => {
  for (const { pattern } of patternsOf('.gitattributes')) t.ok(filesBy(pattern).length > 0, pattern);
  t.end();
});

/** The ApplicationSets that delete what their generator no longer lists, and why. */
const DELETING: Readonly<Record<string, string>> = {
  previews: 'a preview ends with the label of its pull request, and has nothing that must last',
  'preview-namespaces': 'the namespace of a preview ends with it',
};

t.test('no ApplicationSet deletes an Application or what it deployed, but those of previews', (t) => {
  const sets = filesOfTree().filter((file) => file.startsWith('argocd/applications/'));
  const added = serviceNames(root).filter((name) => name !== FIRST_SERVICE);
  const deleting: string[] = [];
  for (const file of sets) {
    const { metadata, spec } = parse(read(file)) as {
      metadata: { name: string };
      spec: {
        syncPolicy?: { applicationsSync?: string; preserveResourcesOnDeletion?: boolean };
        template: { metadata: { finalizers?: string[] } };
      };
    };
    // A service that was added may be on its way out: `make service NAME=orders REMOVE=yes`.
    if (added.includes(metadata.name.replace(/-namespace$/, ''))) continue;
    const { applicationsSync, preserveResourcesOnDeletion } = spec.syncPolicy ?? {};
    const keeps = preserveResourcesOnDeletion === true && spec.template.metadata.finalizers === undefined;
    if (applicationsSync !== 'create-update' || !keeps) deleting.push(metadata.name);
  }
  t.strictSame(deleting.sort(), Object.keys(DELETING).sort());
  t.end();
});

t.test('both ApplicationSets of previews ask GitHub for the same pull requests', (t) => {
  const [first, second] = Object.keys(DELETING).map(
    (name) => (parse(read(`argocd/applications/${name}.yaml`)) as { spec: { generators: object } }).spec.generators,
  );
  t.ok(first);
  t.strictSame(first, second);
  t.end();
});

t.test('Git never merges image files and the lock file line by line', (t) => {
  const files = ['pnpm-lock.yaml', ...filesOfTree().filter((file) => file.endsWith('.image.yaml'))];
  for (const line of git('check-attr', 'merge', '--', ...files)
    .trim()
    .split('\n'))
    t.match(line, /: merge: unset$/);
  t.end();
});

t.test('what the formatter leaves alone because a program writes it, reviews collapse', (t) => {
  const [, generated = ''] = /# Written by a program.*\n([\s\S]*?)\n\n/.exec(read('.prettierignore')) ?? [];
  const files = generated.split('\n').flatMap((pattern) => filesBy(pattern));
  t.ok(files.length > 5, `${files.length} files`);
  for (const line of git('check-attr', 'linguist-generated', '--', ...files)
    .trim()
    .split('\n'))
    t.match(line, /: linguist-generated: set$/);
  t.end();
});
