import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { blocksOf, pathsOfTree } from '../src/blocks.ts';
import { read, root } from './tree.ts';

const readme = read('README.md');
const commands = read('docs/commands.md');

t.test('the page of commands has the groups of the Makefile, each with the same commands', (t) => {
  const groups = read('Makefile').split(/^##@ /m).slice(1);
  t.ok(groups.length > 2, `${groups.length} groups`);
  for (const group of groups) {
    const [title = ''] = group.split('\n');
    const section = commands.split(`## ${title}\n`)[1]?.split(/^## /m)[0] ?? '';
    const named = [...section.matchAll(/\bmake ([a-z-]+)\b/g)].map(([, name]) => name ?? '');
    const expected = [...group.matchAll(/^([a-z-]+):.*## /gm)].map(([, name]) => name ?? '');
    t.strictSame(
      [...new Set(named)].sort(),
      expected.filter((name) => !['help', 'install'].includes(name)).sort(),
      title,
    );
  }
  t.end();
});

t.test('a clone becomes a rolled-back release by eight commands of the README at most', (t) => {
  const lines = blocksOf(readme)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ content }) => content.split('\n'))
    .filter((line) => line !== '' && !line.startsWith('#'));
  const rollback = lines.findIndex((line) => line.startsWith('make rollback '));
  t.match(lines[0], /^git clone /);
  t.ok(rollback > 0 && rollback < 8, `${rollback + 1} commands`);
  t.end();
});

t.test('the tree in the README is the tree of the repository', (t) => {
  const tree = blocksOf(readme).find(({ language }) => language === 'tree')?.content ?? '';
  const paths = pathsOfTree(tree);
  for (const path of paths) t.ok(existsSync(join(root, path.replace('<cluster>', 'local'))), path);
  const top = readdirSync(root, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules',
  );
  t.same(
    top.map(({ name }) => name).filter((name) => !paths.includes(name)),
    [],
    'no folder at the top is left out',
  );
  t.same(
    readdirSync(join(root, 'packages')).filter((name) => !paths.includes(`packages/${name}`)),
    [],
    'and no package',
  );
  t.end();
});

t.test('pnpm is pinned in one version', (t) => {
  const { packageManager } = JSON.parse(read('package.json')) as { packageManager: string };
  t.match(packageManager, /^pnpm@\d+\.\d+\.\d+$/);
  t.match(read('packages/local/bootstrap.mjs'), /pnpm: 'sha512-/);
  t.end();
});

t.test('the README names the versions that are pinned', (t) => {
  const modules = read('packages/tools/go/go.mod');
  const pinned = (path: string, depth: number): string =>
    (new RegExp(`^\\t${path} v(\\S+)`, 'm').exec(modules)?.[1] ?? '').split('.').slice(0, depth).join('.');
  const { node } = (JSON.parse(read('package.json')) as { devDependencies: { node: string } }).devDependencies;
  for (const version of [
    `Kubernetes ${pinned('k8s.io/kubernetes', 2)}`,
    `Argo CD ${pinned('github.com/argoproj/argo-cd/v3', 2)}`,
    `Helm ${pinned('helm.sh/helm/v4', 1)}`,
    `Node.js ${node.split('.')[0] ?? ''}`,
  ])
    t.match(readme.replaceAll(/\s+/g, ' '), new RegExp(`${version.replaceAll('.', '\\.')}\\b`), version);
  t.end();
});
