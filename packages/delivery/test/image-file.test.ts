import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import t from 'tap';
import { ImageFileError, readImage, setImage } from '../src/image-file.ts';

const FILE = 'clusters/dev/app.image.yaml';
const OLD = `sha256:${'a'.repeat(64)}`;
const NEW = `sha256:${'b'.repeat(64)}`;
const text = (tag = '"1.0.0"', digest = OLD): string =>
  `# Written by CI.\nimage:\n  tag: ${tag} # people read this\n  digest: ${digest}\n`;

function thrown(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

t.test('sets tag and digest and leaves every other byte alone', (t) => {
  t.equal(setImage(text(), { tag: '1.1.0', digest: NEW }, FILE), text('"1.1.0"', NEW));
  const odd = `image: { digest: '${OLD}',   tag: '1.0.0' }   # odd\r\n# end\r\n`;
  t.equal(
    setImage(odd, { tag: '1.1.0', digest: NEW }, FILE),
    `image: { digest: "${NEW}",   tag: "1.1.0" }   # odd\r\n# end\r\n`,
  );
  t.end();
});

t.test('line ends, indentation, quotes and comments stay, whatever they are', (t) => {
  const layouts: ((tag: string, digest: string) => string)[] = [
    (tag, digest) => text(`"${tag}"`, digest).replaceAll('\n', '\r\n'),
    (tag, digest) =>
      `\uFEFF# über\n---\n"image":   # 1.0.0\n      'digest':   "${digest}"   # ${OLD}\n\n      # tag: "1.0.0"\n      tag:  "${tag}"`,
    (tag, digest) => `image: {tag: "${tag}", digest: ${digest}}\n\n\n`,
    (tag, digest) => `image:\n  tag:\n    "${tag}"\n  digest:\n    ${digest}\n...\n`,
  ];
  for (const layout of layouts) {
    const before = layout('1.0.0', OLD);
    t.same(readImage(before, FILE), { tag: '1.0.0', digest: OLD });
    t.equal(setImage(before, { tag: '1.0.0-rc.1', digest: NEW }, FILE), layout('1.0.0-rc.1', NEW));
    t.equal(setImage(before, { tag: '1.0.0', digest: OLD }, FILE), before, 'the same image');
    t.equal(setImage(layout('1.0.0-rc.1', NEW), { tag: '1.0.0', digest: OLD }, FILE), before, 'there and back');
  }
  t.end();
});

t.test('setting the present image changes no byte', (t) => {
  for (const same of [text(), text("'1.0.0'"), text('"1.0.0"', `"${OLD}"`)])
    t.equal(setImage(same, { tag: '1.0.0', digest: OLD }, FILE), same);
  t.end();
});

t.test('a tag that looks like a number stays text', (t) => {
  for (const tag of ['1.10', '1e3', '0755', '20261123', '1_000', 'yes', 'null', '2026-11-23', '0x1F']) {
    const changed = setImage(text(), { tag, digest: NEW }, FILE);
    t.equal(changed, text(`"${tag}"`, NEW));
    t.same(readImage(changed, FILE), { tag, digest: NEW });
    t.throws(() => readImage(text(tag), FILE), ImageFileError, `${tag} without quotes`);
  }
  t.end();
});

t.test('platforms change with the digest, and are unknown where nobody says them', (t) => {
  const both = ['linux/amd64', 'linux/arm64'];
  const with_ = (digest: string, list: string): string => `${text('"1.0.0"', digest)}  platforms: ${list}\n`;
  const set = (before: string, digest: string, platforms?: readonly string[]): string =>
    setImage(before, { tag: '1.0.0', digest, platforms }, FILE);
  t.equal(set(text(), NEW, both), with_(NEW, '[linux/amd64, linux/arm64]'), 'added');
  t.equal(set(with_(OLD, '[ "linux/amd64" ]'), NEW, both), with_(NEW, '[linux/amd64, linux/arm64]'), 'replaced');
  t.equal(set(with_(OLD, '[linux/amd64]'), NEW), with_(NEW, '[]'), 'another image, of which nobody says it');
  t.equal(set(with_(OLD, '[linux/amd64]'), OLD), with_(OLD, '[linux/amd64]'), 'the same image');
  t.equal(set(with_(OLD, '[ linux/amd64,]'), OLD, ['linux/amd64']), with_(OLD, '[ linux/amd64,]'), 'no byte');
  t.same(readImage(with_(OLD, '[linux/amd64]'), FILE), { tag: '1.0.0', digest: OLD, platforms: ['linux/amd64'] });
  t.same(readImage(with_(OLD, '[]'), FILE), { tag: '1.0.0', digest: OLD });

  const layouts: (readonly [before: string, after: string])[] = [
    [`image: {tag: "1.0.0", digest: ${OLD}} # a\n`, `image: {tag: "1.0.0", digest: ${NEW}, platforms: [a/b]} # a\n`],
    [
      `image:\r\n    digest: ${OLD}   # a\r\n    tag: "1.0.0"\r\n`,
      `image:\r\n    digest: ${NEW}   # a\r\n    platforms: [a/b]\r\n    tag: "1.0.0"\r\n`,
    ],
    [`image:\n tag: "1.0.0"\n digest: ${OLD}`, `image:\n tag: "1.0.0"\n digest: ${NEW}\n platforms: [a/b]`],
  ];
  for (const [before, after] of layouts) {
    t.equal(set(before, NEW, ['a/b']), after);
    t.same(readImage(after, FILE), { tag: '1.0.0', digest: NEW, platforms: ['a/b'] });
    t.equal(set(after, NEW, ['a/b']), after, 'twice is once');
  }
  t.end();
});

t.test('refuses an invalid image, and names file, line, key and rule', (t) => {
  const refused: [string, string][] = [
    [text('1.10'), `${FILE}:3: tag: must be a quoted string`],
    [text('"latest"'), `${FILE}:3: tag: latest is not a version`],
    [text('"-x"'), `${FILE}:3: tag: must be up to 128`],
    [text('"1.0.0"', 'sha256:abc'), `${FILE}:4: digest: must be sha256:`],
    [text('1.0.0'), `${FILE}:3: tag: must be a quoted string`],
    [text('|-\n    1.0.0'), `${FILE}:3: tag: must be a quoted string`],
    [text('*a'), `${FILE}:3: tag: must be a quoted string`],
    [text('&a "1.0.0"', '*a'), `${FILE}:4: digest: must be a string`],
    [text('"1.0.0"', '1e3'), `${FILE}:4: digest: must be a string`],
    [text('"1.0.0"', `>-\n    ${OLD}`), `${FILE}:4: digest: must be a string`],
    [text('"1.0.0"', OLD.toUpperCase()), `${FILE}:4: digest: must be sha256:`],
    [text('"1.0.0"', OLD.slice(7)), `${FILE}:4: digest: must be sha256:`],
    [text('"1.0.0"', `${OLD}a`), `${FILE}:4: digest: must be sha256:`],
    ['\n\nimage:\n', `${FILE}:3: image: must be a map with only tag and digest`],
    ['\nimage: 1.0.0\n', `${FILE}:2: image: must be a map with only tag and digest`],
    ['other: 1\n', `${FILE}:1: other: unknown key`],
    [`image:\n  digest: ${OLD}\n`, `${FILE}:2: tag: missing`],
    [`${text()}---\n${text()}`, `${FILE}:5: the file: Source contains multiple documents`],
    ['', `${FILE}:1: the file: must be a map`],
    ['- a\n', `${FILE}:1: the file: must be a map`],
    ['image:\n  tag: "1"\n', `${FILE}:2: digest: missing`],
    [`${text()}  replicas: 3\n`, `${FILE}:5: replicas: unknown key`],
    [`${text()}other: 1\n`, `${FILE}:5: other: unknown key`],
    [`${text()}  platforms: linux/amd64\n`, `${FILE}:5: platforms: must be a list in brackets`],
    [`${text()}  platforms:\n    - linux/amd64\n`, `${FILE}:5: platforms: must be a list in brackets`],
    [`${text()}  platforms: [1]\n`, `${FILE}:5: platforms: must be a list in brackets`],
    [`${text()}  platforms: [amd64]\n`, `${FILE}:5: platforms: must be platforms such as linux/amd64`],
    [`${text()}  tag: "2"\n`, `${FILE}:5: the file: Map keys must be unique`],
  ];
  for (const [content, message] of refused) {
    const error = thrown(() => readImage(content, FILE));
    t.ok(error instanceof ImageFileError && error.message.startsWith(message), `${message} — ${String(error)}`);
  }
  t.end();
});

t.test('what cannot be read for its shape cannot be written either', (t) => {
  for (const content of [
    text('1.0.0'),
    text('|-\n    1.0.0'),
    text('"1.0.0"', `>-\n    ${OLD}`),
    `${text()}other: 1\n`,
    `${text()}  tag: "2"\n`,
  ]) {
    t.throws(
      () => setImage(content, { tag: '1.1.0', digest: NEW }, FILE),
      ImageFileError,
      JSON.stringify(content).slice(0, 60),
    );
  }
  t.end();
});

t.test('refuses to write an image that breaks a rule', (t) => {
  const refused: [string, string, string][] = [
    ['latest', NEW, `${FILE}:3: tag: latest is not a version`],
    ...['', 'a b', '.a', '-a', '1"', '1\n', 'ä', 'x'.repeat(129)].map((tag): [string, string, string] => [
      tag,
      NEW,
      `${FILE}:3: tag: must be up to 128`,
    ]),
    ...['', NEW.toUpperCase(), `${NEW}\n`, NEW.slice(0, -1), NEW.replace('256', '512')].map(
      (digest): [string, string, string] => ['1', digest, `${FILE}:4: digest: must be sha256:`],
    ),
  ];
  for (const [tag, digest, message] of refused) {
    const error = thrown(() => setImage(text(), { tag, digest }, FILE));
    t.ok(error instanceof ImageFileError && error.message.startsWith(message), `${message} — ${String(error)}`);
  }
  t.same(
    readImage(setImage(text(), { tag: `_${'x'.repeat(127)}`, digest: NEW }, FILE), FILE).tag.length,
    128,
    'the longest tag',
  );
  t.end();
});

t.test('every image file of the repository can be read', (t) => {
  const root = resolve(import.meta.dirname, '../../..');
  const files = globSync('clusters/*/*.image.yaml', { cwd: root });
  t.ok(files.length >= 4, files.join());
  for (const file of files) t.doesNotThrow(() => readImage(readFileSync(resolve(root, file), 'utf8'), file), file);
  t.end();
});
