import { isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument, type Scalar, type YAMLSeq } from 'yaml';

/** What an image file holds: the tag that people read, the digest that machines pull, and where it runs. */
export interface Image {
  readonly tag: string;
  readonly digest: string;
  /** What the digest was built for, linux/amd64; undefined where nothing recorded it, as for images of long ago. */
  readonly platforms?: readonly string[] | undefined;
}

/** Where CI writes an application's image for one cluster, from the repository's root. */
export const imageFile = (cluster: string, app: string): string => `clusters/${cluster}/${app}.image.yaml`;

/** Whether a path of the repository is one that imageFile gives. */
export const isImageFile = (path: string): boolean => /^clusters\/[^/]+\/[^/]+\.image\.yaml$/.test(path);

// OCI distribution specification, "Pulling manifests": a tag.
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
// OCI image index specification: os, architecture and variant, as Go names them.
const PLATFORM = /^[a-z0-9]+\/[a-z0-9_]+(\/[a-z0-9.]+)?$/;

/** A rule that an image file, or an image for it, breaks: `file:line: key: rule`. */
export class ImageFileError extends Error {
  constructor(file: string, line: number, key: string, rule: string) {
    super(`${file}:${line}: ${key}: ${rule}`);
    this.name = 'ImageFileError';
  }
}

// A tag is always quoted: Helm reads YAML 1.1, where 1.10, 1_000, yes and 2026-11-23 are not text without quotes.
const STYLES: Readonly<Record<Field, { readonly types: readonly (string | undefined)[]; readonly rule: string }>> = {
  tag: {
    types: ['QUOTE_DOUBLE', 'QUOTE_SINGLE'],
    rule: 'must be a quoted string: without them 1.10 would be the number 1.1',
  },
  digest: {
    types: ['QUOTE_DOUBLE', 'QUOTE_SINGLE', 'PLAIN'],
    rule: 'must be a string, sha256: and 64 lower-case hex digits',
  },
};

type Field = 'tag' | 'digest';

interface Position {
  readonly scalar: Scalar;
  readonly line: number;
}

interface Place extends Readonly<Record<Field, Position>> {
  /** The list of platforms; undefined where the file has none. */
  readonly platforms: { readonly list: YAMLSeq; readonly line: number } | undefined;
  /** Whether the file has tag and digest in braces. */
  readonly isFlow: boolean;
  /** Where the key of the digest begins in its line, from 0. */
  readonly indentation: number;
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

/** The rule that platforms break; undefined when they break none. */
export function platformsProblem(platforms: readonly string[]): string | undefined {
  const wrong = platforms.find((platform) => !PLATFORM.test(platform));
  return wrong === undefined
    ? undefined
    : `must be platforms such as linux/amd64, each an operating system and an architecture (one is ${JSON.stringify(wrong)})`;
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
  const platforms = platformsProblem(image.platforms ?? []);
  return platforms === undefined ? undefined : { key: 'platforms', rule: platforms };
}

type Entries = ReadonlyMap<string, Pair>;

/** Where the fields of the image stand. Throws ImageFileError for a file of another shape. */
function locate(text: string, file: string): Place {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const lineAt = (offset: number | undefined): number => lines.linePos(offset ?? 0).line;
  const lineOf = (pair: Pair | undefined): number => lineAt((pair?.key as Scalar | undefined)?.range?.[0]);
  const [error] = document.errors;
  if (error !== undefined) throw new ImageFileError(file, lineAt(error.pos[0]), 'the file', error.message);

  /** The entries of a map that must have exactly these keys. */
  const entriesOf = (
    map: unknown,
    { name, line, keys, optional = [] }: { name: string; line: number; keys: string[]; optional?: string[] },
  ): Entries => {
    const further = optional.length === 0 ? '' : `, and perhaps ${optional.join(' and ')}`;
    if (!isMap(map))
      throw new ImageFileError(file, line, name, `must be a map with only ${keys.join(' and ')}${further}`);
    const entries = new Map(map.items.map((pair) => [String((pair.key as Scalar).value), pair]));
    for (const [key, pair] of entries) {
      const rule = 'unknown key; CI writes only tag, digest and platforms';
      if (!keys.includes(key) && !optional.includes(key)) throw new ImageFileError(file, lineOf(pair), key, rule);
    }
    for (const key of keys)
      if (!entries.has(key)) throw new ImageFileError(file, lineAt(map.range?.[0]), key, 'missing');
    return entries;
  };

  const image = entriesOf(document.contents, { name: 'the file', line: 1, keys: ['image'] }).get('image');
  const fields = entriesOf(image?.value, {
    ...{ name: 'image', line: lineOf(image), keys: ['tag', 'digest'], optional: ['platforms'] },
  });
  const field = (key: Field): Position => {
    const pair = fields.get(key);
    const scalar = pair?.value;
    const isText = isScalar(scalar) && typeof scalar.value === 'string' && STYLES[key].types.includes(scalar.type);
    if (!isText) throw new ImageFileError(file, lineOf(pair), key, STYLES[key].rule);
    return { scalar, line: lineOf(pair) };
  };
  const platforms = fields.get('platforms');
  const list = platforms?.value;
  if (platforms !== undefined && (!isSeq(list) || list.flow !== true || !list.items.every(isText)))
    throw new ImageFileError(file, lineOf(platforms), 'platforms', 'must be a list in brackets: [linux/amd64]');
  const start = (fields.get('digest')?.key as Scalar | undefined)?.range?.[0];
  return {
    ...{ tag: field('tag'), digest: field('digest') },
    platforms: platforms === undefined ? undefined : { list: list as YAMLSeq, line: lineOf(platforms) },
    isFlow: isMap(image?.value) && image.value.flow === true,
    indentation: lines.linePos(start ?? 0).col - 1,
  };
}

const isText = (item: unknown): item is Scalar<string> => isScalar(item) && typeof item.value === 'string';

/** The platforms that a file has; undefined where it has none, or an empty list. */
function platformsIn({ platforms }: Place): readonly string[] | undefined {
  const found = platforms?.list.items.filter(isText).map(({ value }) => value) ?? [];
  return found.length === 0 ? undefined : found;
}

/** The line of a field, or of the digest where the file has no such field. */
const lineIn = (place: Place, key: keyof Image): number => (place[key] ?? place.digest).line;

/**
 * The image in an image file.
 * @param text the file's content: `image: {tag, digest, platforms}` and comments
 * @param file its name, for messages
 * Throws ImageFileError for anything but a well-formed tag and digest, with a list of platforms or without.
 */
export function readImage(text: string, file: string): Image {
  const fields = locate(text, file);
  const platforms = platformsIn(fields);
  const image = {
    ...{ tag: String(fields.tag.scalar.value), digest: String(fields.digest.scalar.value) },
    ...(platforms === undefined ? {} : { platforms }),
  };
  const problem = imageProblem(image);
  if (problem !== undefined) throw new ImageFileError(file, lineIn(fields, problem.key), problem.key, problem.rule);
  return image;
}

/**
 * The file's content with another image. Tag, digest and platforms change together, and every other byte stays as it is; a
 * value that changes is written in double quotes, or plain where it was plain. Platforms that nobody knows are an empty
 * list, unless the digest is that of before: what an image was built for does not change. Throws ImageFileError for a file
 * of another shape, or an image that breaks a rule.
 */
export function setImage(text: string, image: Image, file: string): string {
  const fields = locate(text, file);
  const problem = imageProblem(image);
  if (problem !== undefined) throw new ImageFileError(file, lineIn(fields, problem.key), problem.key, problem.rule);

  const changes = (['tag', 'digest'] as const)
    .filter((key) => fields[key].scalar.value !== image[key])
    .map((key) => ({
      ...rangeOf(fields[key].scalar),
      text: fields[key].scalar.type === 'PLAIN' ? image[key] : JSON.stringify(image[key]),
    }));
  const isSame = fields.digest.scalar.value === image.digest;
  const present = platformsIn(fields) ?? [];
  const platforms = image.platforms ?? (isSame ? present : []);
  if (platforms.join() !== present.join()) changes.push(platformsChange(text, fields, `[${platforms.join(', ')}]`));
  // From the end, so that the first replacement does not move the place of the second.
  changes.sort((a, b) => b.start - a.start);
  return changes.reduce(
    (result, change) => result.slice(0, change.start) + change.text + result.slice(change.end),
    text,
  );
}

interface Change {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

function rangeOf({ range }: Pick<Scalar, 'range'>): Pick<Change, 'start' | 'end'> {
  const [start, end] = range ?? [0, 0];
  return { start, end };
}

/** Replaces the list, or adds it after the digest. */
function platformsChange(text: string, { platforms, digest, isFlow, indentation }: Place, list: string): Change {
  if (platforms !== undefined) return { ...rangeOf(platforms.list), text: list };
  const { end } = rangeOf(digest.scalar);
  if (isFlow) return { start: end, end, text: `, platforms: ${list}` };
  // After what stands behind the digest in its line, such as a comment.
  const [, rest = '', lineEnd = '\n'] = /^([^\r\n]*)(\r?\n)?/.exec(text.slice(end)) ?? [];
  const start = end + rest.length;
  return { start, end: start, text: `${lineEnd}${' '.repeat(indentation)}platforms: ${list}` };
}
