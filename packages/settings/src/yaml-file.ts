import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Document, isMap, isPair, isSeq, LineCounter, type Node, parseDocument, type Scalar, visit } from 'yaml';

/** One YAML file that people write: what it says, and where. */
export interface YamlFile {
  readonly path: string;
  readonly content: Record<string, unknown>;
  /**
   * What keeps the file from being read, as `file:line: key: rule`, the key being `the file` where it concerns all of
   * it; its content is empty then.
   */
  readonly problems: readonly string[];
  /** `file:line` of a key, undefined where the file does not have it. */
  readonly position: (keys: readonly string[]) => string | undefined;
}

// A values file of a person has a few KB; a larger one is a mistake, and a parser's time.
const LARGEST = 256 * 1024;

// Go prints numbers from here on as 1e+06, in whatever text a template puts them.
const LARGEST_PLAIN_NUMBER = 1_000_000;

/**
 * Reads one file, more strictly than Helm or Argo CD would: no tab, byte order mark, duplicate key, anchor or alias,
 * one document with a map in it, and nothing that Helm, which reads YAML 1.1, takes for something else than YAML 1.2
 * does. Never throws for what the file holds: it tells its problems, so that those of several files come together.
 * @param root the repository's folder
 * @param path the file, from there
 */
export function readYamlFile(root: string, path: string): YamlFile {
  const refused = (problems: readonly string[]): YamlFile => ({
    path,
    content: {},
    problems,
    position: () => undefined,
  });
  const problem = (line: number, rule: string, key = 'the file'): string => `${path}:${line}: ${key}: ${rule}`;

  const absolute = join(root, path);
  if (!existsSync(absolute)) return refused([problem(1, 'does not exist')]);
  const { size } = statSync(absolute);
  if (size > LARGEST) return refused([problem(1, `has ${size} bytes; ${LARGEST} are the most`)]);
  const text = readFileSync(absolute, 'utf8');
  // YAML allows a tab in places and a byte order mark; nobody sees either one in a review.
  const invisible = text
    .split('\n')
    .flatMap((line, index) => (line.includes('\t') ? [problem(index + 1, 'has a tab; write spaces')] : []));
  if (text.startsWith('\uFEFF')) invisible.unshift(problem(1, 'begins with a byte order mark; save it as plain UTF-8'));
  if (invisible.length > 0) return refused(invisible);

  const lines = new LineCounter();
  const lineOf = (offset = 0): number => lines.linePos(offset).line;
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true, prettyErrors: false });
  const problems = [...document.errors, ...document.warnings].map((error) =>
    problem(lineOf(error.pos[0]), error.message),
  );
  visit(document, {
    Alias: (_, alias) =>
      void problems.push(problem(lineOf(alias.range?.[0]), `*${alias.source} is an alias; write the value out`)),
    Node: (_, node) => {
      if ('anchor' in node && typeof node.anchor === 'string')
        problems.push(
          problem(lineOf(node.range?.[0]), `&${node.anchor} is an anchor; write the value out where it is needed`),
        );
    },
  });
  if (problems.length === 0 && !isMap(document.contents))
    problems.push(
      problem(1, (document.toJS() as unknown) === null ? 'is empty; it must be a map, {} at least' : 'must be a map'),
    );
  if (problems.length === 0)
    problems.push(...ambiguities(text, document).map(({ offset, rule, key }) => problem(lineOf(offset), rule, key)));
  if (problems.length > 0) return refused(problems);

  const position = (keys: readonly string[]): string | undefined => {
    const parent = document.getIn(keys.slice(0, -1));
    const key = keys.at(-1);
    // The key itself: a map's value begins on the next line.
    const node = isMap(parent)
      ? parent.items.find((pair) => String((pair.key as Scalar).value) === key)?.key
      : isSeq(parent)
        ? parent.items[Number(key)]
        : undefined;
    const range = (node as Node | undefined)?.range;
    return range ? `${path}:${lineOf(range[0])}` : undefined;
  };
  return { path, content: document.toJS() as Record<string, unknown>, problems, position };
}

/** What stands at a key path; undefined where nothing does. */
export const valueAt = (values: unknown, keys: readonly string[]): unknown =>
  keys.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key)
        ? (inner as Record<string, unknown>)[key]
        : undefined,
    values,
  );

/** Plain scalars that mean something else to Helm, which reads YAML 1.1, or that it would print in another form. */
function ambiguities(text: string, document: Document): { offset: number | undefined; key: string; rule: string }[] {
  const helms = scalars(parseDocument(text, { version: '1.1', merge: false }));
  return scalars(document).flatMap(({ key, scalar: { source = '', value, range } }, index) => {
    const other = helms[index]?.scalar.value;
    const at = { offset: range?.[0], key };
    if (typeof value === 'number' && Math.abs(value) >= LARGEST_PLAIN_NUMBER)
      return [
        {
          ...at,
          rule: `${source} must stand in quotes: Helm would print it as ${value.toExponential().replace(/e\+(\d)$/, 'e+0$1')}`,
        },
      ];
    // Of YAML 1.1 Helm's parser knows yes, no, on, off, y, n, octals and underscores, but neither dates nor 1:20; and
    // it does know 0o14.
    if (value === other || other instanceof Date || /:|^0o/.test(source)) return [];
    return [{ ...at, rule: `${source} must stand in quotes: Helm reads it as ${JSON.stringify(other)}` }];
  });
}

/** Every scalar of a document, keys included, with the dotted path of the key that it belongs to. */
function scalars(document: Document): { key: string; scalar: Scalar }[] {
  const found: { key: string; scalar: Scalar }[] = [];
  visit(document, {
    Scalar: (index, scalar, path) => {
      const keys = path.flatMap((node, depth) => {
        if (isPair(node)) return [String((node.key as Scalar).value)];
        const next = path[depth + 1];
        return isSeq(node) ? [String(next === undefined ? index : node.items.indexOf(next))] : [];
      });
      found.push({ key: keys.join('.'), scalar });
    },
  });
  return found;
}
