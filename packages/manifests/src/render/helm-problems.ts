/** One thing that Helm, or Argo CD around it, reports about a chart or its values. */
export interface HelmProblem {
  /** The key of the values, if it is about one. */
  readonly keys?: readonly string[];
  /** The object that the chart renders, if it is about one, `Deployment/fastify-service`; `keys` are then its field. */
  readonly object?: string;
  /** `file:line` of a chart's file, as Helm names it: relative to the folder that holds the chart. */
  readonly place?: string;
  readonly rule: string;
}

/**
 * The problems in the text of a failed render. There may be several: those of the schema come together, and so do those
 * of a chart's own rules, which are lines of the form `chart: key: rule`.
 */
export function helmProblems(error: string): HelmProblem[] {
  const text = error.replaceAll('Use --debug flag to render out invalid YAML', '').trim();
  const ofText = textProblem(text);
  if (ofText !== undefined) return [ofText];
  const ofSchema = schemaProblems(text);
  if (ofSchema.length > 0) return ofSchema;
  const ofRules = ruleProblems(text);
  if (ofRules.length > 0) return ofRules;
  const flat = text.replaceAll(/\s+/g, ' ');
  return [templateProblem(flat) ?? { rule: flat.replace(/^.*? failed exit status \d+: /, '').replace(/^Error: /, '') }];
}

/** A label or annotation that is no text: Argo CD adds its own to each object, and cannot. */
function textProblem(text: string): HelmProblem | undefined {
  const refusal =
    /Kind=(?<kind>\w+) (?:\S*\/)?(?<name>[^\s/]+): \.metadata\.(?<field>annotations|labels) accessor error: .* under key "(?<key>[^"]+)": (?<value>.*) is of the type (?<type>\w+), expected string/.exec(
      text,
    )?.groups;
  if (refusal === undefined) return undefined;
  const { kind = '', name = '', field = '', key = '', value = '' } = refusal;
  return {
    object: `${kind}/${name}`,
    keys: ['metadata', field, key],
    rule: `must be text, in quotes (it is ${value})`,
  };
}

/** What a values.schema.json refuses: lines of the form `- at '/a/b': rule`. */
function schemaProblems(text: string): HelmProblem[] {
  const problems: HelmProblem[] = [];
  for (const [, pointer = '', rule = ''] of text.matchAll(/^\s*- at '([^']*)': (.*)$/gm)) {
    const keys = pointer.split('/').slice(1).map(unescaped);
    const unknown = /^additional properties (.+) not allowed$/.exec(rule)?.[1];
    const missing = /^missing propert(?:y|ies) (.+)$/.exec(rule)?.[1];
    if (unknown !== undefined)
      for (const key of quoted(unknown)) problems.push({ keys: [...keys, key], rule: 'unknown value' });
    else if (missing !== undefined)
      for (const key of quoted(missing)) problems.push({ keys: [...keys, key], rule: 'missing' });
    else if (!isHeading(rule)) problems.push({ keys, rule });
  }
  return problems;
}

/** Of a JSON pointer. */
const unescaped = (part: string): string => part.replaceAll('~1', '/').replaceAll('~0', '~');
const quoted = (text: string): string[] => [...text.matchAll(/'([^']*)'/g)].map(([, key = '']) => key);
/** The reasons follow below it. */
const isHeading = (rule: string): boolean =>
  /^(validation failed|.*(allOf|anyOf|oneOf|then|else|if).* failed.*)$/.test(rule);

/** What a chart's own rules refuse. */
function ruleProblems(text: string): HelmProblem[] {
  const problems: HelmProblem[] = [];
  const lines = text.matchAll(/(?:^|: )([a-z0-9-]+): ((?:[A-Za-z0-9_-]+)(?:\.[A-Za-z0-9_-]+)*): (.+)$/gm);
  for (const [, chart = '', key = '', rule = ''] of lines)
    if (text.includes(`(${chart}/templates/`)) problems.push({ keys: key.split('.'), rule: rule.trim() });
  return problems;
}

/** A template that fails, or whose output is no YAML. */
function templateProblem(text: string): HelmProblem | undefined {
  const template =
    /([a-z0-9-]+\/(?:templates\/[^\s:()]+)):(\d+)(?::\d+)?\)?:? (.*)$/.exec(text) ??
    /(?:YAML parse error on) ([^\s:]+)():? (.*)$/.exec(text);
  if (template === null) return undefined;
  const [, file = '', line = '', rule = ''] = template;
  return { place: `${file}:${line === '' ? '1' : line}`, rule: rule.replace(/^executing "[^"]*" /, '') };
}
