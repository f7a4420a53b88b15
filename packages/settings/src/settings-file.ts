import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, isSeq, LineCounter, parseDocument, visit, type Node, type Scalar } from 'yaml';

/** One cluster.yaml: what it says, and where. */
export interface SettingsFile {
  readonly content: Record<string, unknown>;
  /** What keeps the file from being read as settings, as `file:line: the file: rule`; its content is empty then. */
  readonly problems: readonly string[];
  /** `file:line` of a key, undefined where the file does not have it. */
  readonly position: (keys: readonly string[]) => string | undefined;
}

/** Reads one file. Never throws for what the file holds: it tells its problems, so that those of several files come together. */
export function readSettingsFile(root: string, path: string): SettingsFile {
  const refused = (problems: readonly string[]): SettingsFile => ({ content: {}, problems, position: () => undefined });
  const problem = (line: number, rule: string): string => `${path}:${line}: the file: ${rule}`;

  const absolute = join(root, path);
  if (!existsSync(absolute)) return refused([problem(1, 'does not exist')]);
  const text = readFileSync(absolute, 'utf8');
  // YAML allows a tab in places and a byte order mark; nobody sees either one in a review.
  const invisible = text.split('\n').flatMap((line, index) => (line.includes('\t') ? [problem(index + 1, 'has a tab; write spaces')] : []));
  if (text.startsWith('\uFEFF')) invisible.unshift(problem(1, 'begins with a byte order mark; save it as plain UTF-8'));
  if (invisible.length > 0) return refused(invisible);

  const lines = new LineCounter();
  const lineOf = (offset = 0): number => lines.linePos(offset).line;
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true, prettyErrors: false });
  const problems = [...document.errors, ...document.warnings].map((error) => problem(lineOf(error.pos[0]), error.message));
  visit(document, { Alias: (_, alias) => void problems.push(problem(lineOf(alias.range?.[0]), `*${alias.source} is an alias; write the value out`)) });
  if (problems.length === 0 && !isMap(document.contents)) problems.push(problem(1, 'must be a map of settings'));
  if (problems.length > 0) return refused(problems);

  const position = (keys: readonly string[]): string | undefined => {
    const parent = document.getIn(keys.slice(0, -1));
    const key = keys.at(-1);
    // The key itself: a map's value begins on the next line.
    const node = isMap(parent) ? parent.items.find((pair) => String((pair.key as Scalar).value) === key)?.key : isSeq(parent) ? parent.items[Number(key)] : undefined;
    const range = (node as Node | undefined)?.range;
    return range ? `${path}:${lineOf(range[0])}` : undefined;
  };
  return { content: document.toJS() as Record<string, unknown>, problems, position };
}
