import { posix } from 'node:path';
import { didYouMean } from '@gitops/report/nearest';
import { blocksOf, type Problem } from './blocks.ts';

/** What there is to be named. */
export interface Known {
  /** Every file and folder of the tree, from the root. */
  readonly paths: ReadonlySet<string>;
  /** The targets of make, each with the variables that it takes. */
  readonly targets: ReadonlyMap<string, ReadonlySet<string>>;
  /** Every identifier of the tree's files: in code, in YAML, in JSON. */
  readonly words: ReadonlySet<string>;
  /** What documents name that is not in the tree: Kubernetes', AWS's and GitHub's own words. */
  readonly elsewhere: ReadonlySet<string>;
}

/** A piece of a document that names things. */
interface Piece {
  readonly line: number;
  readonly text: string;
  /** Commands are looked at for targets, variables and paths only: their other words are programs' own. */
  readonly isCommand: boolean;
}

/** The code spans of a document, its sections of alerts, its shell blocks line by line, and the labels of its diagrams. */
export function piecesOf(markdown: string): Piece[] {
  const pieces: Piece[] = [];
  const covered = new Set<number>();
  for (const block of blocksOf(markdown)) {
    for (const [index, text] of block.content.split('\n').entries()) {
      const line = block.line + 1 + index;
      covered.add(line - 1).add(line);
      if (block.language === 'sh') pieces.push({ line, text: text.replace(/(^|\s)#.*$/, ''), isCommand: true });
      if (block.language === 'mermaid')
        pieces.push(...labelsIn(text).map((label) => ({ line, text: label, isCommand: false })));
    }
  }
  for (const [index, text] of markdown.split('\n').entries()) {
    const line = index + 1;
    if (covered.has(line)) continue;
    // The section of an alert is named for it.
    const [, alert] = /^#+ ([A-Z][a-z]+[A-Z]\w*)$/.exec(text) ?? [];
    if (alert !== undefined) pieces.push({ line, text: alert, isCommand: false });
    for (const [, span = ''] of text.matchAll(/`([^`]+)`/g))
      pieces.push({ line, text: span, isCommand: /\s/.test(span) });
  }
  return pieces;
}

/** The words of labels in a line of a diagram that look like names: the others are English. */
function labelsIn(text: string): string[] {
  if (text.trim().startsWith('%%')) return [];
  const labels = Array.from(text.matchAll(/"([^"]*)"|\|([^|"]*)\|/g), ([, quoted, bar]) => quoted ?? bar ?? '');
  const commands = labels.filter((label) => /\bmake [a-z]/.test(label));
  const words = labels.flatMap((label) => label.split(/[\s,:()]+|<br\/?>/));
  return [...commands, ...words.filter((word) => /[/_]|\.(?:ts|yaml|md)$/.test(word))];
}

const FILE = /\.(?:ts|mjs|js|json|ya?ml|md|mod|sum|py|hcl|html|svg|sh)$/;
const PATH = /^\.{0,2}[\w@<>*…{},./-]+$/;

/** Names that the tree does not have, each with its line and the name that was probably meant. */
export function unknownNames(document: string, markdown: string, known: Known): Problem[] {
  const problems: Problem[] = [];
  for (const { line, text, isCommand } of piecesOf(markdown)) {
    const add: Add = (what, name, candidates) => {
      problems.push({ line, message: `${what} ${name}${didYouMean(name, candidates)}` });
    };
    checkTargets(text, known, add);
    for (const word of isCommand ? text.split(/[\s"'=;|()<>]+/) : [text]) {
      if (known.elsewhere.has(word)) continue;
      if (isPath(word, isCommand, known)) checkPath(word, document, known, add);
      else if (!isCommand && isIdentifier(word)) checkIdentifier(word, known, add);
    }
  }
  return problems;
}

type Add = (what: string, name: string, candidates: Iterable<string>) => void;

/** `make NAME OPTION=…`, as many as a piece has. */
function checkTargets(text: string, known: Known, add: Add): void {
  for (const [, target = '', rest = ''] of text.matchAll(/(?<![\w-])make +((?:-s +)?[a-z][a-z-]*)([^;|&)]*)/g)) {
    const variables = known.targets.get(target.replace(/^-s +/, ''));
    if (variables === undefined) {
      add('make has no target', target, known.targets.keys());
      continue;
    }
    for (const [, variable = ''] of rest.matchAll(/(?<![\w.-])([A-Z][A-Z_]+)=/g))
      if (!variables.has(variable)) add(`make ${target} has no option`, variable, variables);
  }
}

function checkPath(word: string, document: string, known: Known, add: Add): void {
  if (!isInTree(word, document, known)) add('no file or folder', word, candidatesFor(word, known));
}

/** A name of code, or the key of a value with the keys that it is below. */
function checkIdentifier(word: string, { words, elsewhere }: Known, add: Add): void {
  const missing = word.split('.').find((part) => !words.has(part) && !elsewhere.has(part));
  if (missing !== undefined) add('nothing in the tree has the name', missing, words);
}

/** Whether a word is meant as a path of the tree. */
function isPath(word: string, isCommand: boolean, { paths }: Known): boolean {
  if (!PATH.test(word) || /^[./…*-]*$/.test(word) || word.startsWith('/') || word.startsWith('-')) return false;
  const [first = ''] = word.split('/');
  if (word.includes('/') && paths.has(first)) return true;
  return !isCommand && (FILE.test(word) || (word.includes('/') && word.endsWith('/')));
}

/** `<cluster>`, `*` and `…` stand for any name, `{a,b}` for either. */
const patternOf = (path: string): string =>
  path
    .replaceAll(/[.+?^$()[\]\\|]/g, String.raw`\$&`)
    .replaceAll(/<[^<>/]*>|\*+|…/g, '[^/]+')
    .replaceAll(/\{([^{}]*)\}/g, (_, either: string) => `(?:${either.replaceAll(',', '|')})`);

/** Whether a path is in the tree: from the root, from the document's folder, or as the end of a longer one. */
function isInTree(word: string, document: string, { paths }: Known): boolean {
  const path = word.replace(/\/$/, '').replace(/:\d+$/, '');
  // What commands write, and Git does not have.
  if (/^\.?\/?\.local(\/|$)|node_modules/.test(path)) return true;
  const here = posix.normalize(posix.join(posix.dirname(document), path));
  if (paths.has(posix.normalize(path)) || paths.has(here)) return true;
  const pattern = new RegExp(`(?:^|/)${patternOf(posix.normalize(path))}$`);
  for (const known of paths) if (pattern.test(known)) return true;
  return false;
}

/** Paths that end like this one, or have its folder. */
function* candidatesFor(word: string, { paths }: Known): Iterable<string> {
  const depth = word.replace(/\/$/, '').split('/').length;
  for (const path of paths) yield path.split('/').slice(-depth).join('/');
}

/** Whether a word is a name of code or settings rather than a word of English. */
function isIdentifier(word: string): boolean {
  if (!/^[A-Za-z_][\w]*(\.[A-Za-z_][\w]*)*$/.test(word)) return false;
  return /[a-z][A-Z]|_|^[a-z]\w*\.[a-z]/.test(word);
}

/** The name by which GitHub links to a heading. */
export const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

/** Links of a document that lead nowhere. `read` gives the text of a file of the tree. */
export function deadLinks(
  document: string,
  markdown: string,
  { paths }: Pick<Known, 'paths'>,
  read: (file: string) => string,
): { readonly problems: readonly Problem[]; readonly links: number } {
  const problems: Problem[] = [];
  let links = 0;
  let isBlock = false;
  for (const [index, text] of markdown.split('\n').entries()) {
    if (/^ *```/.test(text)) isBlock = !isBlock;
    if (isBlock) continue;
    for (const [, target = ''] of text.replaceAll(/`[^`\n]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      links += 1;
      const [path = '', anchor] = target.split('#');
      const file =
        path === '' ? document : posix.normalize(posix.join(posix.dirname(document), path)).replace(/\/$/, '');
      const wrong = (message: string): void => void problems.push({ line: index + 1, message });
      if (!paths.has(file)) {
        wrong(`the link ${target} leads to no file${didYouMean(file, paths)}`);
        continue;
      }
      if (anchor === undefined) continue;
      const anchors = [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));
      if (anchors.includes(anchor)) continue;
      wrong(`${file} has no heading #${anchor}${didYouMean(anchor, anchors, '#')}`);
    }
  }
  return { problems, links };
}

/**
 * What is wrong with a diagram whose edges name their evidence, `%% from --> to: FILE: TEXT`: an edge without evidence,
 * evidence without an edge, and text that its file no longer has.
 */
export function diagramProblems(markdown: string, read: (file: string) => string | undefined): Problem[] {
  const problems: Problem[] = [];
  for (const { line, language, content } of blocksOf(markdown)) {
    if (language !== 'mermaid' || !/^\s*%% \w+ --> /m.test(content)) continue;
    const lines = content.split('\n');
    const drawn = new Map<string, number>();
    const proven = new Set<string>();
    for (const [index, text] of lines.entries()) for (const edge of edgesIn(text)) drawn.set(edge, line + 1 + index);
    for (const [index, text] of lines.entries()) {
      const [, from, to, file = '', evidence = ''] = /^\s*%% (\w+) --> (\w+): ([^:]+): (.*)$/.exec(text) ?? [];
      if (from === undefined || to === undefined) continue;
      const edge = `${from} --> ${to}`;
      const wrong = (message: string): void => void problems.push({ line: line + 1 + index, message });
      proven.add(edge);
      if (!drawn.has(edge)) wrong(`evidence for ${edge}, which the diagram does not have`);
      const found = read(file);
      if (found === undefined) wrong(`no file ${file}, which should show ${edge}`);
      else if (!found.includes(evidence)) wrong(`${file} has no "${evidence}", which should show ${edge}`);
    }
    for (const [edge, at] of drawn)
      if (!proven.has(edge))
        problems.push({ line: at, message: `${edge} has no evidence: add "%% ${edge}: FILE: TEXT"` });
  }
  return problems;
}

/** The edges in one line of a flowchart, `a --> b`. */
function edgesIn(text: string): string[] {
  if (text.trim().startsWith('%%')) return [];
  const bare = text
    .replaceAll(/"[^"]*"/g, '')
    .replaceAll(/\|[^|]*\|/g, ' ')
    .replaceAll(/[[({][^\])}]*[\])}]/g, '');
  const nodes = bare.split(/\s*(?:-->|-\.->|==>)\s*/).map((node) => node.trim());
  const edges: string[] = [];
  for (const [index, to] of nodes.slice(1).entries()) edges.push(`${nodes[index] ?? ''} --> ${to}`);
  return edges;
}
