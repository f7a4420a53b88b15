import type { SyntaxNode } from '@lezer/common';
import { childrenOf, parse, selectorOf, stringOf } from './promql.ts';

/** The labels that a metric has; undefined for a metric that nobody exports. */
export type LabelsOfMetric = (metric: string) => ReadonlySet<string> | undefined;

/** What an expression returns. */
export interface Result {
  /** The labels that its series may have, in no order; empty for a scalar. */
  readonly labels: ReadonlySet<string>;
  /** Metrics and labels that do not exist, and sides of an operator that never match. */
  readonly problems: readonly string[];
}

interface Typed {
  readonly labels: ReadonlySet<string>;
  readonly isScalar: boolean;
}

const NONE: Typed = { labels: new Set(), isScalar: false };
const SCALAR: Typed = { labels: new Set(), isScalar: true };
const SET_OPERATORS = new Set(['And', 'Or', 'Unless']);
// These choose among series and change none.
const CHOOSING = new Set(['topk', 'bottomk', 'limitk', 'limit_ratio']);
const SCALAR_FUNCTIONS = new Set(['scalar', 'time', 'pi']);

/**
 * What an expression returns, worked out from the labels of its metrics as Prometheus' engine would: through
 * aggregations, matching of operators, label_replace and histogram_quantile. Throws PromqlError.
 */
export function resultOf(text: string, labelsOfMetric: LabelsOfMetric): Result {
  const problems = new Set<string>();
  const textOf = ({ from, to }: SyntaxNode): string => text.slice(from, to);
  const shown = (node: SyntaxNode): string => {
    const whole = textOf(node).replaceAll(/\s+/g, ' ');
    return whole.length > 60 ? `${whole.slice(0, 59)}…` : whole;
  };
  const demand = (labels: Iterable<string>, of: Typed, node: SyntaxNode, use: string): void => {
    for (const label of labels) if (!of.labels.has(label)) problems.add(`${shown(node)} has no label ${label}, ${use}`);
  };

  function typeOf(node: SyntaxNode): Typed {
    switch (node.name) {
      case 'NumberDurationLiteral':
      case 'StringLiteral':
        return SCALAR;
      case 'VectorSelector':
        return typeOfSelector(node);
      case 'AggregateExpr':
        return typeOfAggregation(node);
      case 'FunctionCall':
        return typeOfCall(node);
      case 'BinaryExpr':
        return typeOfOperator(node);
      default: {
        // Parentheses, signs, windows, offsets and subqueries: the labels are those of what is inside.
        const inner = childrenOf(node).find(isExpression);
        return inner === undefined ? SCALAR : typeOf(inner);
      }
    }
  }

  function typeOfSelector(node: SyntaxNode): Typed {
    const { metric, matchers } = selectorOf(node, text);
    if (metric === undefined) {
      problems.add(`${shown(node)} names no metric`);
      return NONE;
    }
    const labels = labelsOfMetric(metric);
    if (labels === undefined) {
      problems.add(`nobody exports the metric ${metric}`);
      // One line is enough: what is missing has every label.
      return { labels: EVERY, isScalar: false };
    }
    for (const { label } of matchers)
      if (!labels.has(label)) problems.add(`the metric ${metric} has no label ${label}`);
    return { labels, isScalar: false };
  }

  function typeOfAggregation(node: SyntaxNode): Typed {
    const [operator = node] = childrenOf(node);
    const body = argumentsOf(node.getChild('FunctionCallBody'));
    const inner = body.at(-1);
    if (inner === undefined) return NONE;
    const of = typeOf(inner);
    const modifier = node.getChild('AggregateModifier');
    const grouping = groupingOf(modifier);
    const isWithout = modifier?.getChild('Without') != null;
    demand(grouping, of, inner, `by which ${textOf(operator)} ${isWithout ? 'joins' : 'groups'}`);
    if (CHOOSING.has(textOf(operator))) return of;
    const labels = isWithout ? without(of.labels, grouping) : new Set(grouping);
    const [counted] = body;
    if (textOf(operator) === 'count_values' && counted !== undefined) labels.add(stringOf(textOf(counted)));
    return { labels, isScalar: false };
  }

  function typeOfCall(node: SyntaxNode): Typed {
    const name = textOf(node.firstChild ?? node);
    const body = argumentsOf(node.getChild('FunctionCallBody'));
    const types = body.map(typeOf);
    const index = types.findIndex(({ isScalar }) => !isScalar);
    const [of, inner] = [types[index], body[index]];
    if (SCALAR_FUNCTIONS.has(name)) return SCALAR;
    if (of === undefined || inner === undefined) return NONE;
    const texts = body.map((argument) => (argument.name === 'StringLiteral' ? stringOf(textOf(argument)) : ''));
    switch (name) {
      case 'absent':
      case 'absent_over_time': {
        if (inner.name !== 'VectorSelector') return NONE;
        const equal = selectorOf(inner, text).matchers.filter(({ operator }) => operator === '=');
        return { labels: new Set(equal.map(({ label }) => label)), isScalar: false };
      }
      case 'histogram_quantile':
        demand(['le'], of, inner, 'which histogram_quantile needs');
        return { labels: without(of.labels, ['le']), isScalar: false };
      case 'label_replace': {
        const [, made = '', , source = ''] = texts;
        // Without a source it writes a constant.
        demand(source === '' ? [] : [source], of, inner, 'which label_replace reads');
        return { labels: new Set([...of.labels, made]), isScalar: false };
      }
      case 'label_join': {
        const [, made = '', , ...sources] = texts;
        demand(sources, of, inner, 'which label_join reads');
        return { labels: new Set([...of.labels, made]), isScalar: false };
      }
      default:
        return of;
    }
  }

  function typeOfOperator(node: SyntaxNode): Typed {
    const children = childrenOf(node);
    const [left = node, operator = node] = children;
    const right = children.at(-1) ?? node;
    const [ofLeft, ofRight] = [typeOf(left), typeOf(right)];
    if (ofLeft.isScalar) return ofRight;
    if (ofRight.isScalar) return ofLeft;
    const clause = node.getChild('MatchingModifierClause');
    const [matching = [], carried = []] = (clause?.getChildren('GroupingLabels') ?? []).map(labelsOfGrouping);
    const isOn = clause?.getChild('On') != null;
    if (isOn) {
      demand(matching, ofLeft, left, 'on which the operator matches');
      demand(matching, ofRight, right, 'on which the operator matches');
    }
    const side =
      clause?.getChild('GroupLeft') != null ? 'left' : clause?.getChild('GroupRight') != null ? 'right' : undefined;
    if (side === undefined && !isOn && operator.name !== 'Or') {
      const [ours, theirs] = [without(ofLeft.labels, matching), without(ofRight.labels, matching)];
      const only = [...without(ours, [...theirs]), ...without(theirs, [...ours])];
      if (ours !== EVERY && theirs !== EVERY && only.length > 0)
        problems.add(`${shown(node)}: its sides never match, since only one has ${only.sort().join(', ')}`);
    }
    if (SET_OPERATORS.has(operator.name))
      return operator.name === 'Or' ? { labels: together(ofLeft.labels, ofRight.labels), isScalar: false } : ofLeft;
    if (side === undefined)
      return { labels: isOn ? new Set(matching) : without(ofLeft.labels, matching), isScalar: false };
    const [many, one, oneNode] = side === 'left' ? [ofLeft, ofRight, right] : [ofRight, ofLeft, left];
    demand(carried, one, oneNode, `which group_${side} carries over`);
    return { labels: together(many.labels, new Set(carried)), isScalar: false };
  }

  const labelsOfGrouping = (grouping: SyntaxNode): string[] =>
    childrenOf(grouping).map((label) => (label.name.startsWith('Quoted') ? stringOf(textOf(label)) : textOf(label)));
  const groupingOf = (modifier: SyntaxNode | null): string[] => {
    const grouping = modifier?.getChild('GroupingLabels');
    return grouping == null ? [] : labelsOfGrouping(grouping);
  };

  const { labels } = typeOf(parse(text));
  return { labels, problems: [...problems] };
}

const isExpression = ({ name }: SyntaxNode): boolean =>
  /^(NumberDurationLiteral|StringLiteral|VectorSelector)$|(Expr|Call)$|^(MatrixSelector)$/.test(name) &&
  !name.endsWith('DurationExpr');

const argumentsOf = (body: SyntaxNode | null): SyntaxNode[] =>
  body === null ? [] : childrenOf(body).filter(isExpression);

/** The labels of a metric that does not exist: whatever is asked for. */
class Every extends Set<string> {
  override has(): boolean {
    return true;
  }
}
const EVERY: Set<string> = new Every();

function without(labels: ReadonlySet<string>, removed: readonly string[]): Set<string> {
  if (labels === EVERY) return EVERY;
  return new Set([...labels].filter((label) => !removed.includes(label)));
}

function together(some: ReadonlySet<string>, others: ReadonlySet<string>): ReadonlySet<string> {
  return some === EVERY || others === EVERY ? EVERY : new Set([...some, ...others]);
}
