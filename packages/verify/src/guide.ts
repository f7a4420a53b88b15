/** One thing that a reader of a guide does. */
export interface Step {
  /** The line of its block in the guide. */
  readonly line: number;
  /** Commands to run in a shell, an edit as a patch for `git apply`, or what the commands before printed. */
  readonly kind: 'sh' | 'diff' | 'text';
  readonly content: string;
  /** Of commands: whether they are meant to fail. */
  readonly fails: boolean;
  /** Whether the commands, or those before that printed this, need upstream charts on the machine. */
  readonly needsCharts: boolean;
}

/**
 * The steps of a guide: its fenced blocks of `sh`, `diff` and `text`, in order. Commands that are meant to fail stand
 * in a block `sh fails`, those that need upstream charts in a block `sh charts`.
 */
export function stepsOf(markdown: string): Step[] {
  const lines = markdown.split('\n');
  const steps: Step[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const [, kind = '', rest = ''] = /^```(sh|diff|text)( fails| charts)?$/.exec(lines[index] ?? '') ?? [];
    if (kind === '') continue;
    const end = lines.indexOf('```', index + 1);
    steps.push({
      line: index + 1,
      kind: kind as Step['kind'],
      content: `${lines.slice(index + 1, end).join('\n')}\n`,
      fails: rest === ' fails',
      needsCharts: rest === ' charts' || (kind === 'text' && steps.at(-1)?.needsCharts === true),
    });
    index = end;
  }
  return steps;
}

/**
 * The first line of what a guide shows that a command did not print, in order; undefined where all were. An ellipsis
 * stands for anything.
 */
export function missingLine(shown: string, printed: string): string | undefined {
  const there = printed.split('\n').map((line) => line.trim());
  let from = 0;
  for (const line of shown
    .split('\n')
    .map((text) => text.trim())
    .filter((text) => text !== '' && text !== '…')) {
    const parts = line.split('…').map((part) => part.trim());
    const found = there.findIndex((other, index) => index >= from && matches(other, parts));
    if (found === -1) return line;
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
