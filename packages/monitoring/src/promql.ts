import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { durationOf, secondsOf } from './duration.ts';

/** `label op "value"` in a selector. */
export interface Matcher {
  readonly label: string;
  readonly operator: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

/** One selector of an expression: the series that it asks for. */
export interface Selector {
  /** undefined where the name is not fixed: {__name__=~"…"}. */
  readonly metric: string | undefined;
  /** All but the one that names the metric. */
  readonly matchers: readonly Matcher[];
}

/** An expression that does not parse; `column` counts from 1. */
export class PromqlError extends Error {
  readonly column: number;

  constructor(text: string, column: number) {
    super(`not PromQL at column ${column}: ${text.slice(Math.max(0, column - 1), column + 30) || 'it ends too early'}`);
    this.name = 'PromqlError';
    this.column = column;
  }
}

const ERROR = '⚠';

/** The syntax tree of an expression. Throws PromqlError. */
export function parse(text: string): SyntaxNode {
  const tree = parser.parse(text);
  let column: number | undefined;
  tree.iterate({
    enter: ({ name, from }) => {
      if (name === ERROR) column ??= from + 1;
    },
  });
  const root = tree.topNode.firstChild;
  if (column !== undefined || root === null) throw new PromqlError(text, column ?? 1);
  return root;
}

/** The children of a node, in their order. */
export function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) children.push(child);
  return children;
}

/** The value of a string literal, whichever of its three quotation marks it has. */
export function stringOf(text: string): string {
  const inside = text.slice(1, -1);
  if (text.startsWith('`')) return inside;
  const quoted = text.startsWith("'")
    ? `"${inside.replaceAll(String.raw`\'`, "'").replaceAll('"', String.raw`\"`)}"`
    : text;
  return JSON.parse(quoted) as string;
}

/** The selector of a VectorSelector node. */
export function selectorOf(node: SyntaxNode, text: string): Selector {
  const textOf = ({ from, to }: SyntaxNode): string => text.slice(from, to);
  const name = node.getChild('Identifier');
  let metric = name === null ? undefined : textOf(name);
  const matchers: Matcher[] = [];
  for (const child of childrenOf(node.getChild('LabelMatchers') ?? node)) {
    const [label, operator, value] = childrenOf(child).map(textOf);
    if (child.name === 'QuotedLabelName') metric = stringOf(textOf(child));
    if (!child.name.endsWith('LabelMatcher') || label === undefined || value === undefined) continue;
    const matcher = {
      label: child.name.startsWith('Quoted') ? stringOf(label) : label,
      operator: operator as Matcher['operator'],
      value: stringOf(value),
    };
    if (matcher.label === '__name__' && matcher.operator === '=') metric = matcher.value;
    else matchers.push(matcher);
  }
  return { metric, matchers };
}

/** All selectors of an expression, in the order of its text. Throws PromqlError. */
export function selectorsOf(text: string): Selector[] {
  const found: Selector[] = [];
  parse(text)
    .cursor()
    .iterate((node) => {
      if (node.name === 'VectorSelector') found.push(selectorOf(node.node, text));
    });
  return found;
}

/**
 * The expression with every duration multiplied: windows, offsets and steps of subqueries. A drill runs the rules of
 * three days in minutes so, and in no other way.
 * @param factor 0.01 makes 1h30m 54s
 */
export function scaleDurations(text: string, factor: number): string {
  let scaled = text;
  const places: { from: number; to: number }[] = [];
  parse(text)
    .cursor()
    .iterate(({ name, from, to }) => {
      if (name === 'NumberDurationLiteralInDurationContext') places.push({ from, to });
    });
  for (const { from, to } of places.reverse())
    scaled = scaled.slice(0, from) + durationOf(secondsOf(scaled.slice(from, to)) * factor) + scaled.slice(to);
  return scaled;
}
