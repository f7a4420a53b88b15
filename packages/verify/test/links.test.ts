import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import t from 'tap';
import { filesOfTree, read, root } from './tree.ts';

const documents = filesOfTree().filter((file) => file.endsWith('.md'));

/** The name by which GitHub links to a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

/** A document without its blocks of code and code spans. */
const prose = (document: string): string =>
  read(document)
    .replaceAll(/^ *```[\s\S]*?^ *```$/gm, '')
    .replaceAll(/`[^`\n]*`/g, '');

t.test('every link between documents leads somewhere', (t) => {
  let links = 0;
  for (const document of documents) {
    for (const [, target = ''] of prose(document).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? document : normalize(join(dirname(document), path));
      t.ok(existsSync(join(root, file)), `${document}: ${target}`);
      links += 1;
      if (anchor === undefined) continue;
      const anchors = [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));
      t.ok(anchors.includes(anchor), `${document}: ${target} is a heading`);
    }
  }
  t.ok(links > 30, `${links} links`);
  t.end();
});

t.test('the list of decisions names every decision', (t) => {
  const list = read('docs/decisions/README.md');
  for (const file of readdirSync(join(root, 'docs/decisions')).filter((name) => name !== 'README.md')) {
    t.ok(list.includes(`](${file})`), file);
    for (const part of ['Context', 'Decision', 'Rejected', 'Consequences'])
      t.match(read(`docs/decisions/${file}`), new RegExp(`^## ${part}$`, 'm'), `${file}: ${part}`);
  }
  t.end();
});
