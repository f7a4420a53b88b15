import { isMap, isScalar, LineCounter, type Pair, parseDocument, type Scalar } from 'yaml';

/** What an image file holds: the tag that people read and the digest that machines pull. */
export interface Image {
  readonly tag: string;
  readonly digest: string;
}

/** Where CI writes an application's image for one cluster, from the repository's root. */
export const imageFile = (cluster: string, app: string): string => `clusters/${cluster}/${app}.image.yaml`;

/** Whether a path of the repository is one that imageFile gives. */
export const isImageFile = (path: string): boolean => /^clusters\/[^/]+\/[^/]+\.image\.yaml$/.test(path);

// OCI distribution specification, "Pulling manifests": a tag.
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** A rule that an image file, or an image for it, breaks: `file:line: key: rule`. */
export class ImageFileError extends Error {
  constructor(file: string, line: number, key: string, rule: string) {
    super(`${file}:${line}: ${key}: ${rule}`);
    this.name = 'ImageFileError';
  }
}

// A tag is always quoted: Helm reads YAML 1.1, where 1.10, 1_000, yes and 2026-11-23 are not text without quotes.
const STYLES: Readonly<
  Record<keyof Image, { readonly types: readonly (string | undefined)[]; readonly rule: string }>
> = {
  tag: {
    types: ['QUOTE_DOUBLE', 'QUOTE_SINGLE'],
    rule: 'must be a quoted string: without them 1.10 would be the number 1.1',
  },
  digest: {
    types: ['QUOTE_DOUBLE', 'QUOTE_SINGLE', 'PLAIN'],
    rule: 'must be a string, sha256: and 64 lower-case hex digits',
  },
};

interface Position {
  readonly scalar: Scalar;
  readonly line: number;
}

/** The rule that a tag breaks; undefined when it names a version. */
export function tagProblem(tag: string): string | undefined {
  if (tag === 'latest') return 'latest is not a version';
  if (!TAG.test(tag))
    return (
      'must be up to 128 letters, digits, dots, dashes and underscores, no dot or dash first ' +
      `(it is ${JSON.stringify(tag)})`
    );
  return undefined;
}

/** Why an image cannot be shipped: the key and the rule that it breaks; undefined when it can. */
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

type Entries = ReadonlyMap<string, Pair>;

/** Where tag and digest stand. Throws ImageFileError for a file of another shape. */
function locate(text: string, file: string): Record<keyof Image, Position> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const lineAt = (offset: number | undefined): number => lines.linePos(offset ?? 0).line;
  const lineOf = (pair: Pair | undefined): number => lineAt((pair?.key as Scalar | undefined)?.range?.[0]);
  const [error] = document.errors;
  if (error !== undefined) throw new ImageFileError(file, lineAt(error.pos[0]), 'the file', error.message);

  /** The entries of a map that must have exactly these keys. */
  const entriesOf = (map: unknown, name: string, line: number, keys: readonly string[]): Entries => {
    if (!isMap(map)) throw new ImageFileError(file, line, name, `must be a map with only ${keys.join(' and ')}`);
    const entries = new Map(map.items.map((pair) => [String((pair.key as Scalar).value), pair]));
    for (const [key, pair] of entries) {
      const rule = 'unknown key; CI writes only tag and digest';
      if (!keys.includes(key)) throw new ImageFileError(file, lineOf(pair), key, rule);
    }
    for (const key of keys)
      if (!entries.has(key)) throw new ImageFileError(file, lineAt(map.range?.[0]), key, 'missing');
    return entries;
  };

  const image = entriesOf(document.contents, 'the file', 1, ['image']).get('image');
  const fields = entriesOf(image?.value, 'image', lineOf(image), ['tag', 'digest']);
  const field = (key: keyof Image): Position => {
    const pair = fields.get(key);
    const scalar = pair?.value;
    const isText = isScalar(scalar) && typeof scalar.value === 'string' && STYLES[key].types.includes(scalar.type);
    if (!isText) throw new ImageFileError(file, lineOf(pair), key, STYLES[key].rule);
    return { scalar, line: lineOf(pair) };
  };
  return { tag: field('tag'), digest: field('digest') };
}

/**
 * The image in an image file.
 * @param text the file's content: `image: {tag, digest}` and comments
 * @param file its name, for messages
 * Throws ImageFileError for anything but a well-formed tag and digest.
 */
export function readImage(text: string, file: string): Image {
  const fields = locate(text, file);
  const image = { tag: String(fields.tag.scalar.value), digest: String(fields.digest.scalar.value) };
  const problem = imageProblem(image);
  if (problem !== undefined) throw new ImageFileError(file, fields[problem.key].line, problem.key, problem.rule);
  return image;
}

/**
 * The file's content with another image. Tag and digest change together, and every other byte stays as it is; a value
 * that changes is written in double quotes, or plain where it was plain. Throws ImageFileError for a file of another
 * shape, or an image that breaks a rule.
 */
export function setImage(text: string, image: Image, file: string): string {
  const fields = locate(text, file);
  const problem = imageProblem(image);
  if (problem !== undefined) throw new ImageFileError(file, fields[problem.key].line, problem.key, problem.rule);

  const changed = (['tag', 'digest'] as const).filter((key) => fields[key].scalar.value !== image[key]);
  const startOf = (key: keyof Image): number => fields[key].scalar.range?.[0] ?? 0;
  // From the end, so that the first replacement does not move the place of the second.
  changed.sort((a, b) => startOf(b) - startOf(a));
  let result = text;
  for (const key of changed) {
    const { range, type } = fields[key].scalar;
    const [start, end] = range ?? [0, 0];
    const value = type === 'PLAIN' ? image[key] : JSON.stringify(image[key]);
    result = result.slice(0, start) + value + result.slice(end);
  }
  return result;
}
