import type { TSchema } from 'typebox';
import { Settings } from 'typebox/system';
import { Pointer, Value } from 'typebox/value';

// TypeBox stops at eight errors by default; every problem is to be reported at once.
Settings.Set({ maxErrors: Number.POSITIVE_INFINITY });

/** A setting that breaks a rule. */
export interface Problem {
  readonly keys: readonly string[];
  readonly rule: string;
}

/**
 * Everything that a schema finds wrong with a file's values.
 * @param unknown the rule for a key that the schema does not have
 */
export function schemaProblems(schema: TSchema, values: unknown, unknown = 'unknown setting'): Problem[] {
  const problems: Problem[] = [];
  for (const error of Value.Errors(schema, values)) {
    const keys = Pointer.Indices(error.instancePath);
    switch (error.keyword) {
      case 'additionalProperties':
        for (const key of error.params.additionalProperties) problems.push({ keys: [...keys, key], rule: unknown });
        break;
      case 'required':
        for (const key of error.params.requiredProperties) problems.push({ keys: [...keys, key], rule: 'missing' });
        break;
      case 'boolean':
        // Comes with additionalProperties, which is reported above.
        break;
      case 'enum':
        problems.push({ keys, rule: `must be ${alternatives(error.params.allowedValues)}` });
        break;
      default: {
        const { description } = Pointer.Get(schema, error.schemaPath.slice(1)) as { description?: string };
        // A pattern is for machines; the description explains it.
        const rule = error.keyword === 'pattern' ? 'invalid value' : error.message;
        problems.push({ keys, rule: description === undefined ? error.message : `${rule}; expected: ${description}` });
      }
    }
  }
  return problems;
}

/** a, b or c */
const alternatives = (values: readonly unknown[]): string =>
  [values.slice(0, -1).join(', '), values.at(-1)].filter((part) => part !== '').join(' or ');
