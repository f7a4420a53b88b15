import { isUtf8 } from 'node:buffer';
import { Ajv, type ErrorObject } from 'ajv';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import type { FastifySchemaCompiler } from 'fastify';
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

// Text is all that a path or a query can hold, so there it may become a number; in a body, types are the client's to
// get right.
const ofText = new Ajv({ ...ajvOptions, coerceTypes: true });
const ofBody = new Ajv(ajvOptions);

// More would help nobody, and a body can hold thousands of mistakes.
const MAX_ERRORS = 20;

/** What may come in: JSON that is valid UTF-8, checked against the route's schemas without guessing what was meant. */
export const contracts = fp(
  (app, _options, done) => {
    app.addSchema(Problem);

    const compile: FastifySchemaCompiler<object> = ({ schema, httpPart }) =>
      (httpPart === 'body' ? ofBody : ofText).compile(schema);
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
    return { in: where, pointer: child(params.additionalProperty), detail: 'there is no such field' };
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
  return { in: where, pointer: at(instancePath), detail: message ?? 'is not valid' };
}

/** Why a text is no network; undefined where it is one. */
function cidrProblem(text: string): string | undefined {
  try {
    parseCidr(text);
    return undefined;
  } catch (error) {
    if (error instanceof CidrError) return error.message;
    throw error;
  }
}
