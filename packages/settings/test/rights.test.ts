import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { readRights, rightsInMarkdown } from '../src/rights.ts';

const root = resolve(import.meta.dirname, '../../..');

t.test('the page on rights shows who may do what', (t) => {
  const cells = (line: string): string => line.split('|').map((cell) => cell.trim()).join('|'); // prettier-ignore
  const lines = readFileSync(join(root, 'docs/argocd-rights.md'), 'utf8').split('\n').map(cells);
  const [header = '', , ...rows] = rightsInMarkdown(readRights(root)).map(cells);
  const start = lines.indexOf(header);
  t.not(start, -1, header);
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  t.strictSame(lines.slice(start + 2, end), rows, rightsInMarkdown(readRights(root)).join('\n'));
  t.end();
});
