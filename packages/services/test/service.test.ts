import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { addService } from '../src/add.ts';
import { removeService } from '../src/remove.ts';
import { cloneOf, root } from './copy.ts';

const { folder, git, commit, changes } = cloneOf(t);
const begin = git('rev-parse', 'HEAD').trim();
/** Both steps of a removal. */
function removeCommitted(name: string): void {
  t.notOk(removeService(folder, name).isRemoved);
  commit();
  t.ok(removeService(folder, name).isRemoved);
}

t.afterEach(() => {
  git('reset', '--quiet', '--hard', begin);
  git('clean', '--quiet', '-d', '--force');
});

t.test('a service that is added and removed leaves the tree as it was, committed or not', (t) => {
  for (const name of ['orders', 'a', 'zebra-crossing', 'a'.repeat(46)]) {
    const added = addService(folder, name);
    t.equal(changes().trimEnd().split('\n').length, added.length, `${name}: as many files as it says`);
    for (const { file } of added) t.ok(changes().includes(` ${file}\n`), file);
    const formatted = spawnSync(
      join(root, 'node_modules/.bin/prettier'),
      ['--check', '--ignore-unknown', ...added.map(({ file }) => file)],
      {
        cwd: folder,
        encoding: 'utf8',
      },
    );
    t.equal(formatted.status, 0, formatted.stderr);
    const removed = removeService(folder, name);
    t.equal(removed.changes.length, added.length);
    t.equal(changes(), '', name);
  }
  addService(folder, 'orders');
  commit();
  addService(folder, 'books');
  commit();
  removeCommitted('orders');
  commit();
  removeCommitted('books');
  t.equal(git('diff', begin), '', 'in another order as well');
  t.end();
});

t.test('a service that Git has is first unprotected', (t) => {
  addService(folder, 'orders');
  commit();
  const { isRemoved, changes: made } = removeService(folder, 'orders');
  t.notOk(isRemoved);
  t.strictSame(
    made.map(({ file }) => file),
    ['argocd/applications/orders.yaml', 'argocd/applications/orders-namespace.yaml', 'clusters/production/orders.yaml'],
  );
  t.equal(git('diff', '--shortstat').trim(), '3 files changed, 5 insertions(+), 5 deletions(-)');
  t.throws(() => removeService(folder, 'orders'), { message: /uncommitted changes in argocd/ }, 'and not at once');
  commit();
  t.ok(removeService(folder, 'orders').isRemoved);
  t.equal(git('diff', begin), '');
  t.end();
});

t.test('what people and CI made of it goes as well, once Git has it', (t) => {
  addService(folder, 'orders');
  commit();
  removeService(folder, 'orders');
  commit();
  appendFileSync(join(folder, 'services/orders/src/api.ts'), '// more\n');
  writeFileSync(join(folder, 'services/orders/src/more.ts'), '// more\n');
  const more = { message: /uncommitted changes in services\/orders\/src\/api\.ts, services\/orders\/src\/more\.ts/ };
  t.throws(() => removeService(folder, 'orders'), { ...more, next: /nothing was removed/ });
  commit();
  removeService(folder, 'orders');
  t.equal(git('diff', begin), '');
  t.end();
});

t.test('what cannot be added or removed is refused, and nothing is written', (t) => {
  const refuses = (action: () => unknown, message: RegExp): void => {
    const before = changes();
    t.throws(action, { message, next: /./ }, String(message));
    t.equal(changes(), before, String(message));
  };
  refuses(() => removeService(folder, 'orders'), /orders is no service/);
  refuses(() => removeService(folder, 'fastify-service'), /fastify-service cannot be removed/);
  refuses(() => addService(folder, 'monitoring'), /monitoring is taken/);
  addService(folder, 'orders');
  refuses(() => addService(folder, 'orders'), /orders is taken: it is a service already/);
  refuses(() => addService(folder, 'books'), /uncommitted changes in argocd\/projects\/values\.yaml, /);
  removeService(folder, 'orders');

  appendFileSync(join(folder, 'charts/selectors.json'), '\n');
  refuses(() => addService(folder, 'orders'), /uncommitted changes in charts\/selectors\.json/);
  git('checkout', '--quiet', '.');
  mkdirSync(join(folder, 'services/orders'));
  refuses(() => addService(folder, 'orders'), /orders is taken: services\/orders exists/);
  rmSync(join(folder, 'services/orders'), { recursive: true });
  writeFileSync(join(folder, 'clusters/dev/orders.yaml'), 'host: x\n');
  refuses(() => addService(folder, 'orders'), /clusters\/dev\/orders\.yaml exists already/);
  rmSync(join(folder, 'clusters/dev/orders.yaml'));

  // One of the last files cannot be written: all others are taken back.
  mkdirSync(join(folder, 'pnpm-lock.yaml.new'));
  t.throws(() => addService(folder, 'orders'), { code: 'EEXIST' });
  rmSync(join(folder, 'pnpm-lock.yaml.new'), { recursive: true });
  t.equal(changes(), '');
  t.end();
});
