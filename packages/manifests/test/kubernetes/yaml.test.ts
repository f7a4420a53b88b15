import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { parse } from 'yaml';
import { ensureTools } from '@gitops/tools/tools';
import type { KubernetesObject } from '../../src/kubernetes/object.ts';
import { toYaml } from '../../src/kubernetes/yaml.ts';

// The reader is the real kubectl, which reads files without a cluster where it changes them locally.

const silent = { start: () => undefined, detail: () => undefined, done: () => undefined, note: () => undefined };
const { bin } = await ensureTools(silent, { verify: false });

/** Objects as kubectl reads them, but for an annotation that it adds. */
function read(yaml: string): unknown[] {
  const args = ['annotate', '--local', '--filename=-', '--output=json', '--dry-run=client', 'read=yes'];
  const { status, stdout, stderr } = spawnSync(join(bin, 'kubectl'), args, { input: yaml, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  // One object after the other.
  return JSON.parse(`[${stdout.trim().replaceAll('}\n{', '},\n{')}]`) as unknown[];
}

const holding = (texts: readonly string[]): KubernetesObject => ({
  apiVersion: 'example.com/v1',
  kind: 'Sample',
  metadata: { name: 'sample', annotations: { read: 'yes' } },
  spec: {
    list: texts,
    values: Object.fromEntries(texts.map((text, index) => [`key${String(index)}`, text])),
    // A key `<<` merges even where it is quoted.
    keys: Object.fromEntries(texts.filter((text) => text !== '<<').map((text) => [text, 1])),
  },
});

const WORDS = ['y', 'n', 'yes', 'no', 'on', 'off', 'true', 'false', 'null', 'nan', '.nan', '.inf', '-.inf', '+.inf'];
const NUMBERS = [
  '0',
  '-0',
  '+1',
  '007',
  '08',
  '0o17',
  '0x1F',
  '0b11',
  '1_000',
  '-_1',
  '1.5',
  '.5',
  '5.',
  '1e3',
  '1E+3',
];
const OTHERS = ['12:30', '12:30:45', '190:20:30.15', '2026-01-01', '2026-01-01T00:00:00Z', '2026-01-01 00:00:00 +1'];
const MARKS = [
  '=',
  '<<',
  '~',
  '',
  ' ',
  '-',
  '--',
  '---',
  '...',
  '?',
  ':',
  '#',
  '!',
  '&a',
  '*a',
  '|',
  '>',
  '%',
  '@',
  '`',
];
const LINES = [
  'a: b',
  'a #b',
  '- a',
  'first\nsecond\n',
  '\n',
  'tab\there',
  ' leading',
  'trailing ',
  '"quoted"',
  "it's",
];
const cased = WORDS.flatMap((word) => [word, word.toUpperCase(), `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`]);

t.test('texts stay texts, for kubectl and for readers of YAML 1.2', (t) => {
  const object = holding([...cased, ...NUMBERS, ...OTHERS, ...MARKS, ...LINES]);
  t.same(read(toYaml(object)), [object]);
  t.same(parse(toYaml(object)), object);
  t.end();
});

t.test('what is no text stays what it is', (t) => {
  const object: KubernetesObject = {
    ...holding([]),
    spec: { yes: true, no: false, nothing: null, count: 3, part: 0.5, list: [], map: {} },
  };
  t.same(read(toYaml(object)), [object]);
  t.end();
});

t.test('texts of the characters of numbers, dates and marks', (t) => {
  const text = fc.string({ unit: fc.constantFrom(...Array.from('0123456789abefoxtzyn+-_.:=<~ TZ')), maxLength: 8 });
  // One object of many texts: kubectl takes a tenth of a second to start.
  const texts = fc.sample(text, { numRuns: 2000, seed: 20 });
  const object = holding(texts);
  t.same(read(toYaml(object)), [object]);
  t.end();
});

t.test('the words as they are printed', (t) => {
  t.match(toYaml(holding(['no', '250m', 'fastify-service'])), /- "no"\n {4}- 250m\n {4}- fastify-service\n/);
  t.end();
});
