// The language of IAM's policies, as far as ours go: IAM user guide, "Grammar of the IAM JSON policy language".

export type Condition = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: '*' | Readonly<Record<string, string | readonly string[]>>;
  /** One of these two. */
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: Condition;
}

export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly Statement[];
}

/** A policy that allows each of these. */
export const allow = (...statements: readonly Omit<Statement, 'Effect'>[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: statements.map((statement) => ({ Effect: 'Allow' as const, ...statement })),
});

/** One policy out of several: a role has room for few. */
export const merge = (...policies: readonly PolicyDocument[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: policies.flatMap(({ Statement }) => Statement),
});
