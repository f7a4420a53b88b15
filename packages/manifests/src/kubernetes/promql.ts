import { parser } from '@prometheus-io/lezer-promql';

// What Prometheus itself would refuse of a rule, as far as it can be seen without Prometheus. The tests ask promtool.

const DURATION = /^(?=\d)(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$/;

/** Whether a text is a duration of Prometheus: 5m, 1h30m, 0s. */
export const isDuration = (text: unknown): boolean => typeof text === 'string' && DURATION.test(text);

const known = new Map<string, string | undefined>();

/** Where an expression does not parse, `at column 12: [5x])`; undefined where it does. */
export function syntaxError(expression: string): string | undefined {
  if (!known.has(expression)) known.set(expression, findError(expression));
  return known.get(expression);
}

function findError(expression: string): string | undefined {
  let from: number | undefined = expression.trim() === '' ? 0 : undefined;
  parser.parse(expression).iterate({
    enter: (node) => {
      if (node.type.isError) from ??= node.from;
    },
  });
  if (from === undefined) return undefined;
  return `at column ${from + 1}: ${expression.slice(from, from + 30) || 'it ends too early'}`;
}
