import Type, { type Static } from 'typebox';
import { STATUS_CODES } from './node-http.ts';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** One wrong field of a request. */
export const FieldError = Type.Object({
  in: Type.Unsafe<'body' | 'path' | 'query' | 'headers'>({
    type: 'string',
    enum: ['body', 'path', 'query', 'headers'],
    description: 'The part of the request that the pointer is about',
  }),
  pointer: Type.String({
    description: 'JSON Pointer to the field, as a URI fragment (RFC 6901, section 6)',
    examples: ['#/tiers/0/prefixLength'],
  }),
  detail: Type.String({ description: 'What is wrong with it' }),
});
export type FieldError = Static<typeof FieldError>;

/** The body of every answer that is not a success: a problem document of RFC 9457. */
export const Problem = Type.Object(
  {
    type: Type.String({ description: 'Kind of problem; `about:blank` where the status says it all' }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String({ description: 'What was wrong with this request' }),
    instance: Type.String({ description: 'This occurrence: its trace id, as the log has it' }),
    errors: Type.Optional(Type.Array(FieldError)),
  },
  { $id: 'Problem', description: 'A problem document (RFC 9457)' },
);
export type Problem = Static<typeof Problem>;

/**
 * The kinds of problems that have a name of their own; of all others the status says enough. The URIs identify and do
 * not resolve, hence the tag scheme (RFC 4151). They never change; the README says what each means.
 */
export const problemTypes = {
  'invalid-request': 'The request does not fit its schema',
  'plan-does-not-fit': 'The plan does not fit',
  overloaded: 'The service is overloaded',
} as const;
export type ProblemType = keyof typeof problemTypes;

/** An error whose message the client may read, and what the problem document says beyond status and message. */
export class ProblemError extends Error {
  readonly statusCode: number;
  readonly type: ProblemType | undefined;
  readonly fields: readonly FieldError[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    statusCode: number,
    detail: string,
    {
      type,
      fields,
      headers = {},
    }: { type?: ProblemType; fields?: readonly FieldError[]; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail);
    this.name = 'ProblemError';
    this.statusCode = statusCode;
    this.type = type;
    this.fields = fields;
    this.headers = headers;
  }
}

/** What a status is called. */
export function titleOf(status: number): string {
  return STATUS_CODES[status] ?? 'Error';
}

/** A problem document. */
export function problem(
  status: number,
  detail: string,
  traceId: string,
  { type, fields }: { type?: ProblemType | undefined; fields?: readonly FieldError[] | undefined } = {},
): Problem {
  return {
    type: type === undefined ? 'about:blank' : `tag:gitops-platform.example.com,2026:${type}`,
    title: type === undefined ? titleOf(status) : problemTypes[type],
    status,
    detail,
    instance: `urn:trace:${traceId}`,
    ...(fields !== undefined && { errors: [...fields] }),
  };
}

/** Problems as entries of a route's response schemas: `response: { 200: …, ...problemResponses(400, 422) }`. */
export function problemResponses(...statuses: readonly number[]): Record<number, object> {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: titleOf(status), content: { [PROBLEM_MEDIA_TYPE]: { schema: Type.Ref('Problem') } } },
    ]),
  );
}
