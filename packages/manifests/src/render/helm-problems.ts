/** One thing that Helm, or Argo CD around it, has against a chart or its values. */
export interface HelmProblem {
  /** The key of the values, where it is about one. */
  readonly keys?: readonly string[];
  /** `file:line` of a chart's file, as Helm names it: relative to the folder that holds the chart. */
  readonly place?: string;
  readonly rule: string;
}

const unescape = (part: string): string => part.replaceAll('~1', '/').replaceAll('~0', '~');

/**
 * Takes the text of a failed render apart. It may hold several problems: those of the schema come together, and so do
 * those of a chart's own rules, which are lines of the form `chart: key: rule`.
 */
export function helmProblems(error: string): HelmProblem[] {
  const text = error.replaceAll('Use --debug flag to render out invalid YAML', '').trim();

  const schema = [...text.matchAll(/^\s*- at '([^']*)': (.*)$/gm)].flatMap(
    ([, pointer = '', rule = '']): HelmProblem[] => {
      const keys = pointer.split('/').slice(1).map(unescape);
      // A heading; the reasons follow below it.
      if (/^(validation failed|.*(allOf|anyOf|oneOf|then|else|if).* failed.*)$/.test(rule)) return [];
      const unknown = /^additional properties (.+) not allowed$/.exec(rule)?.[1];
      if (unknown !== undefined)
        return [...unknown.matchAll(/'([^']*)'/g)].map(([, key = '']) => ({
          keys: [...keys, key],
          rule: 'is no value of this chart',
        }));
      const missing = /^missing propert(?:y|ies) (.+)$/.exec(rule)?.[1];
      if (missing !== undefined)
        return [...missing.matchAll(/'([^']*)'/g)].map(([, key = '']) => ({
          keys: [...keys, key],
          rule: 'is missing',
        }));
      return [{ keys, rule }];
    },
  );
  if (schema.length > 0) return schema;

  const rules = [...text.matchAll(/(?:^|: )([a-z0-9-]+): ((?:[A-Za-z0-9_-]+)(?:\.[A-Za-z0-9_-]+)*): (.+)$/gm)].filter(
    ([, chart]) => text.includes(`(${String(chart)}/templates/`),
  );
  if (rules.length > 0) return rules.map(([, , key = '', rule = '']) => ({ keys: key.split('.'), rule: rule.trim() }));

  const flat = text.replaceAll(/\s+/g, ' ');
  const template =
    /([a-z0-9-]+\/(?:templates\/[^\s:()]+)):(\d+)(?::\d+)?\)?:? (.*)$/.exec(flat) ??
    /(?:YAML parse error on) ([^\s:]+)():? (.*)$/.exec(flat);
  if (template !== null) {
    const [, file = '', line = '', rule = ''] = template;
    return [{ place: `${file}:${line === '' ? '1' : line}`, rule: rule.replace(/^executing "[^"]*" /, '') }];
  }
  return [{ rule: flat.replace(/^.*? failed exit status \d+: /, '').replace(/^Error: /, '') }];
}
