import type { Thing } from '../cloud.ts';
import { type Context, text } from '../kind.ts';
import type { Values } from '../values.ts';

// The form of a limit, and what the services share.

/** Arguments that AWS refuses, in its words where they are known. */
export interface Refusal {
  readonly what: string;
  /** Of a creation, and of a change of something that exists. */
  readonly when: (context: Context & { readonly thing?: Thing }) => boolean;
  readonly error: readonly [code: string, message: string];
}

/** Default quotas; AWS raises them on request. */
export interface Quota {
  readonly most: number;
  /** What it is counted in, besides the account and region. */
  readonly per?: (values: Values) => string;
  readonly error: readonly [code: string, message: string];
}

export interface Limits {
  /** The pages of AWS's documentation. */
  readonly source: string;
  /** What AWS refuses, and the simulation does not. */
  readonly unknown: string;
  readonly quota?: Quota;
  readonly refuses?: readonly Refusal[];
}

export const given = (values: Values, name: string): boolean => (values[name] ?? null) !== null;
export const json = (values: Values, name: string): Values => {
  try {
    return JSON.parse(text(values, name)) as Values;
  } catch {
    return {};
  }
};

/** A name of another form than AWS allows. */
export const form = (name: string, pattern: RegExp, error: Refusal['error']): Refusal => ({
  what: `${name} of another form`,
  when: ({ values }) => given(values, name) && !pattern.test(text(values, name)),
  error,
});

export const outside = (name: string, least: number, most: number, error: Refusal['error']): Refusal => ({
  what: `${name} below ${least} or above ${most}`,
  when: ({ values }) => given(values, name) && (Number(values[name]) < least || Number(values[name]) > most),
  error,
});

export const otherThan = (name: string, known: readonly (string | number)[], error: Refusal['error']): Refusal => ({
  what: `${name} other than ${known.join(', ')}`,
  when: ({ values }) => given(values, name) && !known.includes(values[name] as string | number),
  error,
});

/** Whether a policy of a resource allows an action to a service. */
export const allowsService = (policy: Values, service: string): boolean =>
  JSON.stringify(policy).includes(`"${service}"`);

export const roleBy = ({ values, find }: Context, attribute: string): Values =>
  find('aws_iam_role', (role) => role.values.arn === values[attribute])?.values ?? {};
