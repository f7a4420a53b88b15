import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';

const root = resolve(import.meta.dirname, '../../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const readme = read('README.md');
const targets = [...read('Makefile').matchAll(/^([a-z-]+):.*## /gm)].map(([, name]) => name ?? '');

t.test('the README names every make target, and no other', (t) => {
  const named = new Set([...readme.matchAll(/\bmake ([a-z-]+)\b(?! alone)/g)].map(([, name]) => name ?? ''));
  t.same(
    targets.filter((target) => !['help', 'install'].includes(target) && !named.has(target)),
    [],
  );
  for (const name of named) t.ok(targets.includes(name), `make ${name}`);
  t.end();
});

t.test('the tree in the README is the tree of the repository', (t) => {
  const tree = /## What is where\n\n```\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
  const folders: string[] = [];
  const paths = tree
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [, indent = '', name = ''] = /^( *)(\S+)/.exec(line) ?? [];
      folders.length = indent.length / 2;
      folders.push(name.replace(/\/$/, ''));
      return folders.join('/');
    });
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
