import t from 'tap';
import { ImageFileError, readImage, setImage } from '../src/image-file.ts';

const FILE = 'clusters/dev/app.image.yaml';
const OLD = `sha256:${'a'.repeat(64)}`;
const NEW = `sha256:${'b'.repeat(64)}`;
const text = (tag = '"1.0.0"', digest = OLD): string => `# Written by CI.\nimage:\n  tag: ${tag} # people read this\n  digest: ${digest}\n`;

t.test('sets tag and digest and leaves every other byte alone', (t) => {
  t.equal(setImage(text(), { tag: '1.1.0', digest: NEW }, FILE), text('"1.1.0"', NEW));
  const odd = `image: { digest: '${OLD}',   tag: '1.0.0' }   # odd\r\n# end\r\n`;
  t.equal(setImage(odd, { tag: '1.1.0', digest: NEW }, FILE), `image: { digest: "${NEW}",   tag: "1.1.0" }   # odd\r\n# end\r\n`);
  t.end();
});

t.test('setting what is there already changes no byte', (t) => {
  for (const same of [text(), text("'1.0.0'"), text('1.0.0', `"${OLD}"`)]) t.equal(setImage(same, { tag: '1.0.0', digest: OLD }, FILE), same);
  t.end();
});

t.test('a tag that looks like a number stays text', (t) => {
  for (const tag of ['1.10', '1e3', '0755', '20261123']) t.same(readImage(setImage(text(), { tag, digest: NEW }, FILE), FILE), { tag, digest: NEW });
  t.end();
});

t.test('refuses what is no image, and names file, line, key and rule', (t) => {
  const refused: [string, string][] = [
    [text('1.10'), `${FILE}:3: tag: must be text in quotes`],
    [text('"latest"'), `${FILE}:3: tag: latest names no version`],
    [text('"-x"'), `${FILE}:3: tag: must be up to 128`],
    [text('"1.0.0"', 'sha256:abc'), `${FILE}:4: digest: must be sha256:`],
    ['', `${FILE}:1: the file: must be a map`],
    ['- a\n', `${FILE}:1: the file: must be a map`],
    ['image:\n  tag: "1"\n', `${FILE}:2: digest: is missing`],
    [`${text()}  replicas: 3\n`, `${FILE}:5: replicas: is not known here`],
    [`${text()}other: 1\n`, `${FILE}:5: other: is not known here`],
    [`${text()}  tag: "2"\n`, `${FILE}:5: the file: Map keys must be unique`],
  ];
  for (const [content, message] of refused) {
    try {
      readImage(content, FILE);
      t.fail(`was accepted: ${JSON.stringify(content)}`);
    } catch (error) {
      t.ok(error instanceof ImageFileError && error.message.startsWith(message), `${message} — ${String(error)}`);
    }
  }
  t.end();
});

t.test('refuses to write an image that breaks a rule', (t) => {
  for (const image of [{ tag: 'latest', digest: NEW }, { tag: 'a b', digest: NEW }, { tag: 'x'.repeat(129), digest: NEW }, { tag: '1', digest: NEW.toUpperCase() }]) {
    t.throws(() => setImage(text(), image, FILE), ImageFileError, JSON.stringify(image).slice(0, 40));
  }
  t.end();
});
