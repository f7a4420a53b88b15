import type { PolicyDocument, Statement } from '../src/iam/document.ts';

// IAM's evaluation, as far as our policies need it: IAM user guide, "Policy evaluation logic". What is not evaluated
// throws, so that no policy of ours is judged by half.

/** Who asks for what. */
export interface Request {
  readonly action: string;
  /** An ARN. */
  readonly resource: string;
  /** What the condition keys hold; a key that is missing equals nothing. */
  readonly keys?: Readonly<Record<string, string>>;
}

/** One value or several, as policies write them. */
export const list = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;

/** Whether a pattern with `*` matches a name. */
const fits = (pattern: string, name: string): boolean =>
  new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`).test(name);

/** Whether every condition of a statement holds. */
export const conditionsHold = ({ Condition = {} }: Statement, keys: Readonly<Record<string, string>>): boolean =>
  Object.entries(Condition).every(([operator, wanted]) => {
    if (operator !== 'StringEquals') throw new Error(`${operator} is not evaluated here`);
    return Object.entries(wanted).every(([key, values]) => keys[key] !== undefined && list(values).includes(keys[key]));
  });

function speaksOf(statement: Statement, { action, resource, keys = {} }: Request): boolean {
  const { Action, NotAction, Resource } = statement;
  const isNamed = list(Action ?? NotAction).some((pattern) => fits(pattern, action));
  return (
    isNamed === (Action !== undefined) &&
    list(Resource).some((pattern) => fits(pattern, resource)) &&
    conditionsHold(statement, keys)
  );
}

/** Whether all of these policies let a request through: what an identity may do, and the boundary that holds it. */
export const allows = (policies: readonly PolicyDocument[], request: Request): boolean =>
  policies.every(({ Statement }) => {
    const effects = Statement.filter((statement) => speaksOf(statement, request)).map(({ Effect }) => Effect);
    return effects.includes('Allow') && !effects.includes('Deny');
  });
