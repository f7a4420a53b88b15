import { isMap, isScalar, LineCounter, type Pair, parseDocument, type Scalar } from 'yaml';

/** What an image file holds: the tag that people read and the digest that machines pull. */
export interface Image {
  readonly tag: string;
  readonly digest: string;
}

// OCI distribution specification, "Pulling manifests": a tag.
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** An image file, or an image for it, breaks a rule: `file:line: key: rule`. */
export class ImageFileError extends Error {
  constructor(file: string, line: number, key: string, rule: string) {
    super(`${file}:${line}: ${key}: ${rule}`);
    this.name = 'ImageFileError';
  }
}

// A tag stands in quotes always: Helm reads YAML 1.1, where 1.10, 1_000, yes and 2026-11-23 are no text without them.
const STYLES: Readonly<
  Record<keyof Image, { readonly types: readonly (string | undefined)[]; readonly rule: string }>
> = {
  tag: {
    types: ['QUOTE_DOUBLE', 'QUOTE_SINGLE'],
    rule: 'must be text in quotes: without them 1.10 would be the number 1.1',
  },
  digest: {
    types: ['QUOTE_DOUBLE', 'QUOTE_SINGLE', 'PLAIN'],
    rule: 'must be text, sha256: and 64 lower-case hex digits',
  },
};

interface Position {
  readonly scalar: Scalar;
  readonly line: number;
}

/** The rule that a tag breaks, or undefined where it names a version. */
export function tagProblem(tag: string): string | undefined {
  if (tag === 'latest') return 'latest names no version';
  if (!TAG.test(tag))
    return `must be up to 128 letters, digits, dots, dashes and underscores, no dot or dash first (it is ${JSON.stringify(tag)})`;
  return undefined;
}

/** Why an image cannot be shipped, or undefined where it can: the offending key and the rule that it breaks. */
export function imageProblem(image: Image): { key: keyof Image; rule: string } | undefined {
  const rule = tagProblem(image.tag);
  if (rule !== undefined) return { key: 'tag', rule };
  if (!DIGEST.test(image.digest))
    return {
      key: 'digest',
      rule: `must be sha256: and 64 lower-case hex digits (it is ${JSON.stringify(image.digest)})`,
    };
  return undefined;
}

function locate(text: string, file: string): Record<keyof Image, Position> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const lineAt = (offset: number | undefined): number => lines.linePos(offset ?? 0).line;
  const [error] = document.errors;
  if (error !== undefined) throw new ImageFileError(file, lineAt(error.pos[0]), 'the file', error.message);

  const lineOf = (pair: Pair | undefined): number => lineAt((pair?.key as Scalar | undefined)?.range?.[0]);
  const entries = (map: unknown, parent: string, parentLine: number, allowed: readonly string[]): Map<string, Pair> => {
    if (!isMap(map))
      throw new ImageFileError(
        file,
        parentLine,
        parent,
        `must be a map with ${allowed.join(' and ')} and nothing else`,
      );
    const found = new Map(map.items.map((pair) => [String((pair.key as Scalar).value), pair]));
    for (const [key, pair] of found) {
      if (!allowed.includes(key))
        throw new ImageFileError(
          file,
          lineOf(pair),
          key,
          'is not known here; CI writes tag and digest and nothing else',
        );
    }
    for (const key of allowed)
      if (!found.has(key)) throw new ImageFileError(file, lineAt(map.range?.[0]), key, 'is missing');
    return found;
  };
  const image = entries(document.contents, 'the file', 1, ['image']).get('image');
  const fields = entries(image?.value, 'image', lineOf(image), ['tag', 'digest']);
  const field = (key: keyof Image): Position => {
    const pair = fields.get(key);
    const line = lineOf(pair);
    const scalar = pair?.value;
    if (!isScalar(scalar) || typeof scalar.value !== 'string' || !STYLES[key].types.includes(scalar.type))
      throw new ImageFileError(file, line, key, STYLES[key].rule);
    return { scalar, line };
  };
  return { tag: field('tag'), digest: field('digest') };
}

/**
 * The image that a file names.
 * @param text the file's content: `image: {tag, digest}` and comments
 * @param file its name, for messages
 * Throws ImageFileError for anything else than a well-formed tag and digest.
 */
export function readImage(text: string, file: string): Image {
  const fields = locate(text, file);
  const image = { tag: String(fields.tag.scalar.value), digest: String(fields.digest.scalar.value) };
  const problem = imageProblem(image);
  if (problem !== undefined) throw new ImageFileError(file, fields[problem.key].line, problem.key, problem.rule);
  return image;
}

/**
 * The file's content with another image. Tag and digest change together; every other byte stays as it is, and the
 * values are written in double quotes, unless they are the same as before. Throws ImageFileError for a file of another
 * shape, or an image that breaks a rule.
 */
export function setImage(text: string, image: Image, file: string): string {
  const fields = locate(text, file);
  const problem = imageProblem(image);
  if (problem !== undefined) throw new ImageFileError(file, fields[problem.key].line, problem.key, problem.rule);
  // From the end, so that the first replacement does not move the second one's place.
  const replacements = (['tag', 'digest'] as const)
    .filter((key) => fields[key].scalar.value !== image[key])
    .map((key) => ({
      range: fields[key].scalar.range ?? [0, 0, 0],
      quoted: fields[key].scalar.type !== 'PLAIN',
      value: image[key],
    }))
    .sort((a, b) => b.range[0] - a.range[0]);
  return replacements.reduce(
    (result, { range, quoted, value }) =>
      result.slice(0, range[0]) + (quoted ? JSON.stringify(value) : value) + result.slice(range[1]),
    text,
  );
}
