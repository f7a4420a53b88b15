import { isUtf8 } from 'node:buffer';
import { Ajv, type ErrorObject } from 'ajv';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import type { FastifySchemaCompiler, FastifySchemaValidationError } from 'fastify';
import fp from 'fastify-plugin';
import { CidrError, parseCidr } from '@gitops/subnets/cidr';
import { type FieldError, Problem, ProblemError } from '../problems.ts';

const ajvOptions = {
  allErrors: true,
  useDefaults: true,
  strict: true,
  verbose: true,
  formats: { ...fullFormats, cidr: (text: string) => cidrProblem(text) === undefined },
} as const;

const ajv = new Ajv(ajvOptions);

/** A schema of a path, a query or headers, as far as this file looks at it. */
interface TextSchema {
  readonly properties?: Readonly<Record<string, { readonly type?: unknown }>>;
}

/**
 * What text becomes, by the type of its schema; anything else stays text, for the schema to refuse. Not Ajv's own
 * conversion, which takes whatever JavaScript's Number() does: `0x10`, `+5`, ` 10`, and `Infinity`, which no maximum
 * refuses (ajv#2212).
 */
const readers: Readonly<Record<string, (text: string) => unknown>> = {
  string: (text) => text,
  // Digits alone, and no more of them than a number can hold exactly.
  integer: (text) => (/^(?:0|-?[1-9][0-9]{0,14})$/.test(text) ? Number(text) : text),
  boolean: (text) => (text === 'true' ? true : text === 'false' ? false : text),
};

/** A check of a path, a query or headers. Text is all that these can hold, so there it may become a number. */
function checkOfTexts(schema: object): ReturnType<FastifySchemaCompiler<object>> {
  const isValid = ajv.compile(schema);
  const toRead: [name: string, read: (text: string) => unknown][] = [];
  for (const [name, { type }] of Object.entries((schema as TextSchema).properties ?? {})) {
    const read = readers[String(type)];
    if (read === undefined)
      throw new Error(
        `${name}: a path, a query and headers hold ${Object.keys(readers).join(', ')}, not ${String(type)}`,
      );
    if (type !== 'string') toRead.push([name, read]);
  }
  if (toRead.length === 0) return isValid;
  const check = (values: Record<string, unknown>): boolean => {
    for (const [name, read] of toRead) {
      const value = values[name];
      if (typeof value === 'string') values[name] = read(value);
    }
    const result = isValid(values);
    check.errors = isValid.errors as FastifySchemaValidationError[] | null;
    return result;
  };
  check.errors = null as FastifySchemaValidationError[] | null;
  return check;
}

// A body can hold thousands of mistakes.
const MAX_ERRORS = 20;

/**
 * What may come in: JSON that is valid UTF-8, checked against the route's schemas without guessing what was meant.
 * Numbers in paths, queries and headers are whole decimal numbers and nothing else.
 */
export const contracts = fp(
  (app, _options, done) => {
    app.addSchema(Problem);

    const compile: FastifySchemaCompiler<object> = ({ schema, httpPart }) =>
      httpPart === 'body' ? ajv.compile(schema) : checkOfTexts(schema);
    app.setValidatorCompiler(compile);

    app.setSchemaErrorFormatter((errors, part) => {
      const fields = (errors as ErrorObject[]).slice(0, MAX_ERRORS).map((error) => fieldError(error, part));
      const detail = fields.map((field) => `${field.in} ${field.pointer}: ${field.detail}`).join('; ');
      return new ProblemError(400, detail, { type: 'invalid-request', fields });
    });

    // Fastify's own parser reads bytes that are no UTF-8 as replacement characters.
    const parse = app.getDefaultJsonParser('error', 'error');
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, next) => {
      if (!isUtf8(body)) next(new ProblemError(400, 'The body is not valid UTF-8.'), undefined);
      else void parse(request, body.toString('utf8'), next);
    });
    app.addHook('preParsing', (request, _reply, payload, next) => {
      const encoding = request.headers['content-encoding'];
      if (encoding === undefined || encoding === 'identity') next(null, payload);
      else
        next(
          new ProblemError(415, 'Bodies are taken as they are, without a Content-Encoding.', {
            headers: { 'accept-encoding': 'identity' },
          }),
        );
    });
    done();
  },
  { name: 'contracts' },
);

function fieldError({ keyword, instancePath, params, message, data }: ErrorObject, part: string): FieldError {
  const where = part === 'params' ? 'path' : part === 'querystring' ? 'query' : part === 'headers' ? 'headers' : 'body';
  const at = (path: string): string => `#${encodeURI(path)}`;
  const child = (name: unknown): string =>
    at(`${instancePath}/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`);
  if (keyword === 'additionalProperties')
    return { in: where, pointer: child(params.additionalProperty), detail: 'unknown field' };
  if (keyword === 'required') return { in: where, pointer: child(params.missingProperty), detail: 'is missing' };
  if (keyword === 'enum')
    return {
      in: where,
      pointer: at(instancePath),
      detail: `must be one of ${(params.allowedValues as unknown[]).map((value) => JSON.stringify(value)).join(', ')}`,
    };
  if (keyword === 'format' && params.format === 'cidr')
    return {
      in: where,
      pointer: at(instancePath),
      detail: cidrProblem(String(data)) ?? 'must be a network in CIDR notation',
    };
  if (keyword === 'type' && params.type === 'integer' && where !== 'body')
    return { in: where, pointer: at(instancePath), detail: 'must be a whole decimal number, such as 10' };
  return { in: where, pointer: at(instancePath), detail: message ?? 'is not valid' };
}

/** Why a text is not a network; undefined where it is one. */
function cidrProblem(text: string): string | undefined {
  try {
    parseCidr(text);
    return undefined;
  } catch (error) {
    if (error instanceof CidrError) return error.message;
    throw error;
  }
}
