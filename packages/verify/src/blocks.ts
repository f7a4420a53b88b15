/** A fenced block of a document. */
export interface Block {
  /** The line of its opening fence, from 1. */
  readonly line: number;
  /** The first word after the fence: sh, diff, text, yaml, mermaid … */
  readonly language: string;
  /** What follows that word. */
  readonly attribute: string;
  /** Its lines without the indentation of the fence. */
  readonly content: string;
}

/** What a reader of a document does, or sees. */
export interface Step {
  /** The line of its block in the document, from 1. */
  readonly line: number;
  /** Commands to run in a shell, an edit as a patch for `git apply`, or what the commands before printed. */
  readonly kind: 'sh' | 'diff' | 'text';
  readonly content: string;
  /** Of commands: whether they are meant to fail. */
  readonly fails: boolean;
  /** Whether the commands, or those before that printed this, need upstream charts on the machine. */
  readonly needsCharts: boolean;
  /** Why the commands, or those before that printed this, are not run: `needs AWS`. */
  readonly notRun: string | undefined;
}

/** A mistake in a document. */
export interface Problem {
  /** From 1. */
  readonly line: number;
  /** What is wrong, and what it should be. */
  readonly message: string;
}

/** The fenced blocks of a document, also those within a list. */
export function blocksOf(markdown: string): Block[] {
  const lines = markdown.split('\n');
  const blocks: Block[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const [, indent, language = '', attribute = ''] = /^( *)```(\S*) *(.*)$/.exec(lines[index] ?? '') ?? [];
    if (indent === undefined) continue;
    const end = lines.findIndex((line, other) => other > index && line === `${indent}\`\`\``);
    if (end === -1) throw new Error(`line ${index + 1}: the block has no end`);
    const content = lines
      .slice(index + 1, end)
      .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
    blocks.push({ line: index + 1, language, attribute, content: content.map((line) => `${line}\n`).join('') });
    index = end;
  }
  return blocks;
}

/** The first line of a block that no test runs. A reader sees it. */
const MARK = /^# Not run by the tests: (.+)\.\n/;

const STEPS: readonly string[] = ['sh', 'diff', 'text'] satisfies Step['kind'][];

/**
 * The steps of a document: its blocks of `sh`, `diff` and `text`, in order. Commands that are meant to fail stand in a
 * block `sh fails`, those that need upstream charts in a block `sh charts`.
 */
export function stepsOf(markdown: string): Step[] {
  const steps: Step[] = [];
  for (const { line, language, attribute, content } of blocksOf(markdown)) {
    if (!STEPS.includes(language)) continue;
    const before = language === 'text' ? steps.at(-1) : undefined;
    steps.push({
      line,
      kind: language as Step['kind'],
      content,
      fails: attribute === 'fails',
      needsCharts: attribute === 'charts' || before?.needsCharts === true,
      notRun: language === 'sh' ? MARK.exec(content)?.[1] : before?.notRun,
    });
  }
  return steps;
}

/** Languages of blocks that hold no commands, and no output of commands. */
const DATA = ['yaml', 'json', 'ts', 'promql', 'mermaid', 'tree', 'dockerfile', 'hcl', 'csv', 'gotemplate'];

/** What is wrong with the blocks of a document, before anything is run. */
export function formatProblems(markdown: string): Problem[] {
  const problems: Problem[] = [];
  let hasCommands = false;
  for (const { line, language, attribute, content } of blocksOf(markdown)) {
    const wrong = (message: string): void => void problems.push({ line, message });
    if (language === 'sh') hasCommands = true;
    if (['console', 'bash', 'shell', 'zsh', 'shell-session'].includes(language))
      wrong(
        `a block of ${language} is not run: write \`sh\`, commands without "$ ", and their output in a block \`text\``,
      );
    else if (language === '')
      wrong('a block without a language: `sh` for commands, `text` for their output, `tree` for files');
    else if (!STEPS.includes(language) && !DATA.includes(language))
      wrong(`unknown language ${language}; known are ${[...STEPS, ...DATA].join(', ')}`);
    if (attribute !== '' && !(language === 'sh' && ['fails', 'charts'].includes(attribute)))
      wrong(`unknown attribute ${attribute}; a block of commands may have \`fails\` or \`charts\``);
    if (language === 'text' && !hasCommands)
      wrong('a block `text` shows what the commands before it print, and there are none');
    if (language === 'sh' && /^\$ /m.test(content)) wrong('commands stand without "$ " before them');
    if (language === 'sh' && /^# not run/im.test(content) && !MARK.test(content))
      wrong('the mark is the first line of its block, with the reason: "# Not run by the tests: needs AWS."');
  }
  return problems;
}

/**
 * The first line of what a document shows that was not printed, in order, with its index in the block; undefined where
 * all were. An ellipsis stands for anything.
 */
export function missingLine(
  shown: string,
  printed: string,
): { readonly index: number; readonly text: string } | undefined {
  const there = printed.split('\n').map((line) => line.trim());
  let from = 0;
  for (const [index, line] of shown.split('\n').entries()) {
    const text = line.trim();
    if (text === '' || text === '…') continue;
    const parts = text.split('…').map((part) => part.trim());
    const found = there.findIndex((other, at) => at >= from && matches(other, parts));
    if (found === -1) return { index, text };
    from = found + 1;
  }
  return undefined;
}

function matches(line: string, parts: readonly string[]): boolean {
  let at = 0;
  return parts.every((part, index) => {
    const found = line.indexOf(part, at);
    at = found + part.length;
    return (
      found !== -1 &&
      (index > 0 || found === 0 || part === '') &&
      (index < parts.length - 1 || part === '' || line.endsWith(part))
    );
  });
}

/** The printed line that has most words in common with one that is missing; undefined where none has any. */
export function likestLine(missing: string, printed: string): string | undefined {
  const words = new Set(missing.split(/\s+/));
  let best: { readonly line: string; readonly shared: number } | undefined;
  for (const line of printed.split('\n')) {
    const shared = new Set(
      line
        .trim()
        .split(/\s+/)
        .filter((word) => words.has(word)),
    ).size;
    if (shared > (best?.shared ?? 0)) best = { line: line.trim(), shared };
  }
  return best?.line;
}

/** The paths of a block `tree`: a name in each line, indented by two spaces for each folder that it is in. */
export function pathsOfTree(content: string): string[] {
  const folders: string[] = [];
  return content
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [, indent = '', name = ''] = /^( *)(\S+)/.exec(line) ?? [];
      folders.length = indent.length / 2;
      folders.push(name.replace(/\/$/, ''));
      return folders.join('/');
    });
}
