import type { ErrorObject, ValidateFunction } from 'ajv';
import type { KubernetesObject } from '../object.ts';

/**
 * What a validator finds wrong with a value, one line each, `field: rule`, in the order of the fields.
 * @param object the whole object, for messages
 * @param pointer to the value in its object, as a JSON pointer
 */
export function problemsOf(
  validate: ValidateFunction,
  value: unknown,
  object: KubernetesObject,
  pointer = '',
): string[] {
  if (validate(value)) return [];
  const errors = (validate.errors ?? []).filter((error) => !isOfAlternative(error));
  const ofWrongType = new Set<string>();
  for (const { keyword, instancePath } of errors) if (keyword === 'type') ofWrongType.add(instancePath);
  const problems = new Set<string>();
  for (const error of errors) {
    // A value of the wrong type breaks other rules as well; the type is what to fix.
    if (error.keyword === 'type' || !ofWrongType.has(error.instancePath))
      problems.add(problemOf(error, object, pointer));
  }
  return [...problems];
}

/** Whether an error is about one of several alternatives; there is another one about all of them. */
const isOfAlternative = ({ schemaPath }: ErrorObject): boolean => /\/(anyOf|oneOf)\/\d+\//.test(schemaPath);

function problemOf(error: ErrorObject, object: KubernetesObject, pointer: string): string {
  const { keyword, instancePath, data } = error;
  const params = error.params as Readonly<Record<string, unknown>>;
  const keys = (pointer + instancePath)
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (keyword === 'additionalProperties') {
    const { title } = error.parentSchema as { readonly title?: string };
    const owner = title ?? keys.findLast((key) => !/^\d+$/.test(key)) ?? object.kind;
    return `${readable(object, [...keys, String(params.additionalProperty)])}: unknown field of ${owner}`;
  }
  if (keyword === 'required') return `${readable(object, [...keys, String(params.missingProperty)])}: missing`;
  // The value of a Secret must not appear in logs.
  const seen = object.kind === 'Secret' ? '' : ` (it is ${shown(data)})`;
  return `${readable(object, keys)}: ${ruleOf(error, params)}${seen}`;
}

function ruleOf({ keyword, message = 'is wrong' }: ErrorObject, params: Readonly<Record<string, unknown>>): string {
  const { type, allowedValues, pattern, format } = params;
  switch (keyword) {
    case 'type':
      return `must be ${[type].flat().join(' or ')}`;
    case 'enum':
      return `must be one of ${[allowedValues].flat().join(', ')}`;
    case 'pattern':
      return `must match ${String(pattern)}`;
    case 'format':
      return FORMATS[String(format)] ?? `must have the format ${String(format)}`;
    case 'quantity':
      return 'must be a quantity that is not negative, such as 250m or 64Mi';
    case 'oneOf':
    case 'anyOf':
      return `must match ${keyword === 'oneOf' ? 'exactly' : 'at least'} one of the alternatives of its schema`;
    default:
      return message;
  }
}

const FORMATS: Readonly<Record<string, string>> = {
  int32: 'must fit into 32 bits',
  int64: 'must fit into 64 bits',
  'date-time': 'must be a time such as 2026-01-31T12:00:00Z',
  byte: 'must be Base64',
};

/** A value as JSON on one line of at most 80 characters. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/** The path of a field: spec.containers[0].name, metadata.labels["app.kubernetes.io/name"]. */
function readable(object: unknown, keys: readonly string[]): string {
  let path = '';
  let parent = object;
  for (const key of keys) {
    if (Array.isArray(parent)) path += `[${key}]`;
    else if (/^[A-Za-z_$][\w$-]*$/.test(key)) path += path === '' ? key : `.${key}`;
    else path += `[${JSON.stringify(key)}]`;
    parent = (parent as Readonly<Record<string, unknown>> | null | undefined)?.[key];
  }
  return path === '' ? 'the object' : path;
}
