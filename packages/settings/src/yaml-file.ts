import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Document,
  isMap,
  isPair,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  visit,
  type YAMLParseError,
} from 'yaml';

/** One YAML file that people write: its content, and the line of each key. */
export interface YamlFile {
  readonly path: string;
  readonly content: Record<string, unknown>;
  /**
   * What keeps the file from being read, as `file:line: key: rule`; the key is `the file` for what concerns all of it.
   * The content is then empty.
   */
  readonly problems: readonly string[];
  /** `file:line` of a key, undefined where the file does not have it. */
  readonly position: (keys: readonly string[]) => string | undefined;
}

// A values file has a few KB; a larger one is a mistake, and takes long to parse.
const LARGEST = 256 * 1024;

// Go prints numbers from here on as 1e+06, in whatever text a template puts them.
const LARGEST_PLAIN_NUMBER = 1_000_000;

/** Something that is wrong at one line; the key is `the file` for what concerns all of it. */
interface Finding {
  readonly line: number;
  readonly rule: string;
  readonly key?: string;
}

/**
 * Reads one file, more strictly than Helm or Argo CD would: no tab, byte order mark, duplicate key, anchor or alias;
 * one document that is a map; and no scalar that Helm, which reads YAML 1.1, takes for something else than YAML 1.2
 * does. Never throws for what the file holds: it returns the problems, so that those of several files come together.
 * The answer must not be changed: a file of the same path and text is parsed once.
 * @param root the repository's folder
 * @param path the file, relative to root
 */
export function readYamlFile(root: string, path: string): YamlFile {
  const absolute = join(root, path);
  if (!existsSync(absolute)) return refused(path, [{ line: 1, rule: 'does not exist' }]);
  const { size } = statSync(absolute);
  if (size > LARGEST) return refused(path, [{ line: 1, rule: `has ${size} bytes; the limit is ${LARGEST}` }]);
  const text = readFileSync(absolute, 'utf8');
  const key = `${path}\n${text}`;
  const file = parsed.get(key) ?? parse(path, text);
  parsed.set(key, file);
  return file;
}

const parsed = new Map<string, YamlFile>();

const refused = (path: string, findings: readonly Finding[]): YamlFile => ({
  path,
  content: {},
  problems: findings.map(({ line, rule, key = 'the file' }) => `${path}:${line}: ${key}: ${rule}`),
  position: () => undefined,
});

function parse(path: string, text: string): YamlFile {
  const invisible = invisibleCharacters(text);
  if (invisible.length > 0) return refused(path, invisible);

  const lines = new LineCounter();
  const lineOf: LineOf = (offset = 0) => lines.linePos(offset).line;
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true, prettyErrors: false });
  const findings = [...syntaxFindings(document, lineOf), ...sharedNodes(document, lineOf)];
  if (findings.length > 0) return refused(path, findings);
  if (!isMap(document.contents)) {
    const isEmpty = (document.toJS() as unknown) === null;
    return refused(path, [{ line: 1, rule: isEmpty ? 'is empty; it must be a map, at least {}' : 'must be a map' }]);
  }
  const ambiguous = ambiguousScalars(text, document, lineOf);
  if (ambiguous.length > 0) return refused(path, ambiguous);

  const position = (keys: readonly string[]): string | undefined => {
    const range = nodeAt(document, keys)?.range;
    return range ? `${path}:${lineOf(range[0])}` : undefined;
  };
  return { path, content: document.toJS() as Record<string, unknown>, problems: [], position };
}

type LineOf = (offset?: number) => number;

/** YAML allows tabs in places and a byte order mark; both are invisible in a review. */
function invisibleCharacters(text: string): Finding[] {
  const findings: Finding[] = [];
  if (text.startsWith('\uFEFF'))
    findings.push({ line: 1, rule: 'starts with a byte order mark; save it as plain UTF-8' });
  for (const [index, line] of text.split('\n').entries())
    if (line.includes('\t')) findings.push({ line: index + 1, rule: 'has a tab; use spaces' });
  return findings;
}

const syntaxFindings = (document: Document, lineOf: LineOf): Finding[] =>
  [...firstErrors(document.errors), ...document.warnings].map(({ pos: [offset], message }) => ({
    line: lineOf(offset),
    rule: message,
  }));

/**
 * The errors of a file that are no consequence of another one: behind a bracket that is not closed, a parser takes every line
 * for wrong. Keys that stand there twice are errors of their own.
 */
export function firstErrors<T extends Pick<YAMLParseError, 'code' | 'pos'>>(errors: readonly T[]): T[] {
  const isTwice = ({ code }: Pick<YAMLParseError, 'code'>): boolean => code === 'DUPLICATE_KEY';
  const [first] = errors.filter((error) => !isTwice(error)).sort((a, b) => a.pos[0] - b.pos[0]);
  return errors.filter((error) => error === first || isTwice(error));
}

/** Anchors and aliases: a value changed in one place would change in another. */
function sharedNodes(document: Document, lineOf: LineOf): Finding[] {
  const findings: Finding[] = [];
  visit(document, {
    Alias: (_, { source, range }) => {
      findings.push({ line: lineOf(range?.[0]), rule: `*${source} is an alias; write the value out` });
    },
    Node: (_, node) => {
      if (!('anchor' in node) || typeof node.anchor !== 'string') return;
      findings.push({ line: lineOf(node.range?.[0]), rule: `&${node.anchor} is an anchor; write the value out` });
    },
  });
  return findings;
}

/** A key itself, since a map's value starts on the next line; or an item of a list. */
function nodeAt(document: Document, keys: readonly string[]): Node | undefined {
  const parent = document.getIn(keys.slice(0, -1));
  const key = keys.at(-1);
  if (isSeq(parent)) return parent.items[Number(key)] as Node | undefined;
  if (!isMap(parent)) return undefined;
  return parent.items.find((pair) => String((pair.key as Scalar).value) === key)?.key as Node | undefined;
}

/** The value at a key path; undefined where there is none. */
export function valueAt(values: unknown, keys: readonly string[]): unknown {
  let inner = values;
  for (const key of keys) {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, key)) return undefined;
    inner = (inner as Record<string, unknown>)[key];
  }
  return inner;
}

/** Plain scalars that mean something else to Helm, which reads YAML 1.1, or that it would print in another form. */
function ambiguousScalars(text: string, document: Document, lineOf: LineOf): Finding[] {
  const asHelm = scalars(parseDocument(text, { version: '1.1', merge: false }));
  const findings: Finding[] = [];
  for (const [index, { key, scalar }] of scalars(document).entries()) {
    const reading = helmReading(scalar, asHelm[index]?.scalar.value);
    if (reading === undefined) continue;
    findings.push({ line: lineOf(scalar.range?.[0]), key, rule: `${scalar.source ?? ''} must be quoted: ${reading}` });
  }
  return findings;
}

/** How Helm would take a scalar, where that is not what YAML 1.2 says. */
function helmReading({ source = '', value }: Scalar, other: unknown): string | undefined {
  if (typeof value === 'number' && Math.abs(value) >= LARGEST_PLAIN_NUMBER)
    return `Helm would print it as ${value.toExponential().replace(/e\+(\d)$/, 'e+0$1')}`;
  // Of YAML 1.1 Helm's parser knows yes, no, on, off, y, n, octals and underscores, but neither dates nor 1:20; and it
  // does know 0o14.
  if (value === other || other instanceof Date || /:|^0o/.test(source)) return undefined;
  return `Helm reads it as ${JSON.stringify(other)}`;
}

/** Every scalar of a document, keys included, with the dotted path of the key that it belongs to. */
function scalars(document: Document): { key: string; scalar: Scalar }[] {
  const found: { key: string; scalar: Scalar }[] = [];
  visit(document, {
    Scalar: (index, scalar, path) => {
      const keys: string[] = [];
      for (const [depth, node] of path.entries()) {
        const next = path[depth + 1];
        if (isPair(node)) keys.push(String((node.key as Scalar).value));
        else if (isSeq(node)) keys.push(String(next === undefined ? index : node.items.indexOf(next)));
      }
      found.push({ key: keys.join('.'), scalar });
    },
  });
  return found;
}
