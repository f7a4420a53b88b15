import { codeBlock, cut, folded, inlineCode } from '@gitops/delivery/markdown';
import { rankOf, riskOf, RISKS } from '../kubernetes/risk.ts';
import { HOW_TO_ACCEPT, type JudgedChange, linesToAccept, verdictOf } from './acceptance.ts';
import { difference } from './values-in-words.ts';

/**
 * The longest comment: GitHub takes 65,536 characters, and the text of a promotion's pull request has more than the
 * comment.
 */
export const LONGEST_COMMENT = 50_000;

/** Of a value, as much as tells what it is. */
const LONGEST_VALUE = 300;
const MOST_NAMES = 8;

export interface DiffComment {
  readonly changes: readonly JudgedChange[];
  /** Applications that could not be compared. */
  readonly unchecked: readonly string[];
  /** What it is compared with, as people call it. */
  readonly base: string;
}

/**
 * What a merge does to the clusters, as Markdown for a pull request: the riskiest changes first, grouped by cluster and
 * application, folded. Text of others stands only in code, so that it is no markup and mentions nobody. Where not all
 * changes fit, those with the least risk are left out, and the comment says how many of which risk.
 */
export function diffComment(comparison: DiffComment, longest = LONGEST_COMMENT): string {
  const sorted = comparison.changes
    .map((change, order) => ({ change, order }))
    .sort((a, b) => rankOf(a.change) - rankOf(b.change) || a.order - b.order)
    .map(({ change }) => change);
  let [fits, tooMany] = [0, sorted.length + 1];
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (textOf(comparison, sorted, middle).length <= longest) fits = middle;
    else tooMany = middle;
  }
  return textOf(comparison, sorted, fits);
}

/** The comment of a comparison that failed. */
export const failedComment = (problem: string): string =>
  `${TITLE}\n\nIt cannot be said, since something does not render:\n\n${codeBlock(cut(problem, 5000).split('\n'))}\n`;

const TITLE = '### What this merge changes in the clusters';

function textOf({ unchecked, base }: DiffComment, sorted: readonly JudgedChange[], count: number): string {
  const parts = [TITLE];
  const blocked = sorted.filter(({ isBlocked }) => isBlocked).length;
  const applications = new Set(sorted.map(({ application }) => application));
  if (sorted.length === 0) parts.push(`Nothing, compared with ${inlineCode(base)}.`);
  else {
    parts.push(
      `Compared with ${inlineCode(base)}, changes: ${sorted.length}, in applications: ${applications.size}.` +
        (blocked === 0 ? '' : ` **Must not be merged as they are: ${blocked}.**`),
      risksIn(sorted),
    );
    if (blocked > 0) parts.push(howToAccept(sorted));
  }
  if (unchecked.length > 0)
    parts.push(`Not compared, since their charts are not on the machine that rendered this: ${namesOf(unchecked)}.`);
  const left = sorted.slice(count);
  if (left.length > 0)
    parts.push(
      `Too long for a comment, so that these changes with the least risk are left out; \`make diff\` shows all:\n\n${risksIn(left)}`,
    );
  for (const [cluster, changes] of groupedBy(sorted.slice(0, count), clusterOf)) {
    const content: string[] = [];
    for (const [application, own] of groupedBy(changes, ({ application }) => application))
      content.push(inlineCode(nameIn(application)), codeBlock(own.flatMap(linesOf), 'diff'));
    const risky = changes.filter((change) => riskOf(change) !== 'change').length;
    parts.push(folded(`${inlineCode(cluster)}: ${changes.length} (${risky} with risk)`, content.join('\n\n')));
  }
  return `${parts.join('\n\n')}\n`;
}

/** The lines for those who mean it; of very many, the first. */
const howToAccept = (changes: readonly JudgedChange[]): string =>
  `${HOW_TO_ACCEPT}\n\n${codeBlock(
    linesToAccept(changes)
      .slice(0, MOST_NAMES)
      .map((line) => cut(oneLine(line), LONGEST_VALUE)),
  )}`;

/** One line for each risk, with the applications. */
function risksIn(changes: readonly JudgedChange[]): string {
  const lines: string[] = [];
  for (const { id, title } of RISKS) {
    const own = changes.filter((change) => riskOf(change) === id);
    if (own.length === 0) continue;
    const blocked = own.some(({ isBlocked }) => isBlocked) ? '**blocked**, ' : '';
    const accepted = own.filter((change) => change.accepted !== undefined).length;
    lines.push(
      `- ${blocked}${title}: ${own.length} (${namesOf([...new Set(own.map(({ application }) => application))])})${accepted === 0 ? '' : `, accepted: ${accepted}`}`,
    );
  }
  return lines.join('\n');
}

function namesOf(names: readonly string[]): string {
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  return `${names
    .slice(0, MOST_NAMES)
    .map((name) => inlineCode(name, 100))
    .join(', ')}${more}`;
}

/** A change as lines of a diff. */
function linesOf(change: JudgedChange): string[] {
  const { object, path, before, after, consequence } = change;
  const [old, fresh] = difference(before, after, LONGEST_VALUE);
  const line = (sign: string, value: string): string => `${sign} ${oneLine(value)}`;
  const head = `! ${cut(oneLine(verdictOf(change)), LONGEST_VALUE)}${cut(oneLine(`${object} ${path}`).trim(), LONGEST_VALUE)}: ${cut(oneLine(consequence), LONGEST_VALUE)}`;
  // A whole object would fill the comment.
  if (path === '') return [head];
  return [head, ...(before === undefined ? [] : [line('-', old)]), ...(after === undefined ? [] : [line('+', fresh)])];
}

const oneLine = (text: string): string => text.replaceAll(/[\r\n\u2028\u2029]+/g, ' ');

const clusterOf = ({ application }: JudgedChange): string => application.split('/')[0] ?? '';
const nameIn = (application: string): string => application.slice(application.indexOf('/') + 1);

/** Groups in the order of their first, which is their riskiest, member. */
function groupedBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item)) ?? [];
    group.push(item);
    groups.set(keyOf(item), group);
  }
  return groups;
}
