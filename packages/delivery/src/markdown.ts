// Text of others in Markdown of ours. GitHub links @names, #numbers and addresses wherever they stand, except in code.

/** The longest body of a comment or pull request that GitHub takes, in characters. */
export const LONGEST_BODY = 65_536;

/** A text as the content of HTML: nothing in it is markup or Markdown. */
const escaped = (text: string): string =>
  text.replaceAll(/[^\p{L}\p{N} .,/-]/gu, (character) => `&#${character.codePointAt(0) ?? 0};`);

/** A text with invisible and control characters written out. */
export const visible = (text: string): string =>
  text.replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );

/** A text for a column or a line. A character of two halves is not cut in the middle. */
export const cut = (text: string, longest: number): string =>
  text.length > longest ? `${text.slice(0, longest - 1).replace(/[\uD800-\uDBFF]$/, '')}…` : text;

/** A short text within HTML or a line of Markdown. */
export const inlineCode = (text: string, longest = 200): string =>
  `<code>${escaped(visible(cut(text, longest)))}</code>`;

/** Lines as they are. */
export function codeBlock(lines: readonly string[], language = ''): string {
  const text = lines.map(visible).join('\n');
  const longest = Math.max(2, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}

/** What is shown only on a click. */
export const folded = (summary: string, content: string): string =>
  `<details><summary>${summary}</summary>\n\n${content}\n\n</details>`;
