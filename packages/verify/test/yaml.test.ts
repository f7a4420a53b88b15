import t from 'tap';
import { parseAllDocuments } from 'yaml';
import { filesOfTree, read } from './tree.ts';

t.test('no YAML file of the repository has a key twice', (t) => {
  // A template is not YAML before Helm has rendered it; `make check` reads what Helm makes of it.
  const files = filesOfTree().filter((file) => /\.ya?ml$/.test(file) && !file.includes('/templates/'));
  t.ok(files.length > 25, `${files.length} files`);
  for (const file of files) {
    const errors = parseAllDocuments(read(file), {
      uniqueKeys: true,
      prettyErrors: true,
    }).flatMap((document) => document.errors.map(({ message }) => message));
    t.strictSame(errors, [], file);
  }
  t.end();
});
