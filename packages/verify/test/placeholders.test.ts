import t from 'tap';
import { filesOfTree, read } from './tree.ts';

const GUIDE = 'docs/guides/adopting.md';

/** What nobody owns: names and numbers that stand for an adopter's. */
const PLACEHOLDER = new RegExp(
  [
    String.raw`(?:https://github\.com/|@)example/[\w./-]+`,
    String.raw`[\w.*@-]*\bexample\.(?:com|org|net)\b`,
    String.raw`(?<![\d.])(\d)\1{11}(?!\d)`,
    String.raw`\b(?:192\.0\.2|198\.51\.100|203\.0\.113)\.\d+/\d+`,
    String.raw`\bgitops-platform:(?!break-glass)[\w-]+`,
    String.raw`\b(?:admin|viewer)Roles: .+`,
  ].join('|'),
  'g',
);

/** Files in which such names are examples and stand for nothing, each with the reason; a folder ends in a slash. */
const EXAMPLES: Readonly<Record<string, string>> = {
  'argocd/rights.yaml': 'made-up objects, for which Argo CD is asked',
  'charts/fastify-service/ci/': 'values for the tests of the chart',
  'charts/fastify-service/values.yaml': 'a comment',
  'charts/fastify-service/values.schema.json': 'a description',
  'clusters/cluster.schema.json': 'a description',
  'packages/': 'help texts, comments, stand-ins of tests, data',
  'platform/src/': 'comments',
  'platform/bench/': 'the cluster that it measures',
  'service/image.ts': 'help texts',
};

interface Placeholder {
  readonly name: string;
  readonly line: number;
  readonly files: readonly string[];
}

/** The rows of the guide's table: a name, what it stands for, the files that have it. */
function placeholdersIn(guide: string): Placeholder[] {
  const rows: Placeholder[] = [];
  for (const [index, text] of guide.split('\n').entries()) {
    const [, name, , files] = /^\| `([^`]+)` +\|([^|]+)\| *(`[^|]+`) +\|$/.exec(text) ?? [];
    if (name !== undefined && files !== undefined)
      rows.push({ name, line: index + 1, files: files.split(', ').map((file) => file.replaceAll('`', '').trim()) });
  }
  return rows;
}

/** Tests and documents show placeholders in their examples. */
const isExample = (file: string): boolean =>
  /(^|\/)test\/|\.test\.|^e2e\/|^docs\/|\.md$|^pnpm-lock\.yaml$|\/go\.(mod|sum)$/.test(file) ||
  Object.keys(EXAMPLES).some((example) => (example.endsWith('/') ? file.startsWith(example) : file === example));

const rows = placeholdersIn(read(GUIDE));

t.test('the guide lists every placeholder of the tree', (t) => {
  t.ok(rows.length > 10, `${rows.length} rows`);
  for (const file of filesOfTree().filter((file) => !isExample(file)))
    for (const [index, text] of read(file).split('\n').entries())
      for (const [found] of text.matchAll(PLACEHOLDER))
        t.ok(
          rows.some(({ name, files }) => found.includes(name) && files.includes(file)),
          `${file}:${index + 1}: "${found}" is a placeholder: add it with this file to ${GUIDE}`,
        );
  t.end();
});

t.test('the guide lists no placeholder that is gone', (t) => {
  const tree = new Set(filesOfTree());
  for (const { name, line, files } of rows)
    for (const file of files)
      t.ok(
        tree.has(file) && read(file).includes(name),
        `${GUIDE}:${line}: ${file} has no "${name}": take it out of the table`,
      );
  t.end();
});

t.test('no exception without an example', (t) => {
  const files = filesOfTree().filter((file) => !/(^|\/)test\/|\.test\.|\.md$/.test(file));
  for (const example of Object.keys(EXAMPLES))
    t.ok(
      files.some((file) => file.startsWith(example) && new RegExp(PLACEHOLDER.source).test(read(file))),
      example,
    );
  t.end();
});
