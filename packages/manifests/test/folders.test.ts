import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import t from 'tap';

const src = resolve(import.meta.dirname, '../src');
/** Each may import from itself and from those before it. */
const FOLDERS = ['kubernetes', 'render', 'proofs', 'commands'];
const IMPORT = /(?:from|import)\s*\(?\s*'(\.[^']+)'/g;

/** Imports of a file that lead to a later folder, or to a file beside the folders. */
function wrongImports(file: string, text: string): string[] {
  const folderOf = (path: string): number => FOLDERS.indexOf(relative(src, path).split('/')[0] ?? '');
  const own = folderOf(file);
  const imports = [...text.matchAll(IMPORT)].map(([, path = '']) => path);
  return imports.filter((path) => {
    const folder = folderOf(resolve(dirname(file), path));
    return folder === -1 || folder > own;
  });
}

t.test('the folders depend in one direction: kubernetes ← render ← proofs ← commands', (t) => {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(join(src, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(src, folder, name)),
  );
  t.ok(files.length > 30, `${files.length} files`);
  for (const file of files) t.same(wrongImports(file, readFileSync(file, 'utf8')), [], relative(src, file));
  t.end();
});

t.test('an import of a later folder, of types too, and of the program is found', (t) => {
  const text = [
    "import type { Proof } from '../proofs/proof.ts';",
    "export { x } from '../main.ts';",
    "const { y } = await import('../commands/check.ts');",
    "import { z } from '../kubernetes/object.ts';",
  ].join('\n');
  t.same(wrongImports(join(src, 'render/fleet.ts'), text), [
    '../proofs/proof.ts',
    '../main.ts',
    '../commands/check.ts',
  ]);
  t.end();
});
