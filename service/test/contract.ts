// openapi.json as the tests look at it, and the requests that it gives as examples.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

export interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly Json[];
  readonly default?: Json;
  readonly examples?: readonly Json[];
  readonly format?: string;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required?: boolean;
  readonly schema: Schema;
  readonly example?: Json;
  readonly examples?: Readonly<Record<string, { readonly value: Json }>>;
}

export interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: Schema } } };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}

export const documentFile = join(import.meta.dirname, '../openapi.json');

export const document = JSON.parse(readFileSync(documentFile, 'utf8')) as {
  openapi: string;
  paths: Readonly<Record<string, Readonly<Record<'get' | 'post', Operation>>>>;
  components: object;
};

export const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    path,
    method: method.toUpperCase() as 'GET' | 'POST',
    operation,
  })),
);

export const bodySchema = (operation: Operation): Schema | undefined =>
  operation.requestBody?.content['application/json'].schema;

const textOf = (value: Json): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));

/** The address of a request; a parameter without a value is left out. */
export function urlOf(path: string, parameters: Readonly<Record<string, Json>>, operation: Operation): string {
  const query = new URLSearchParams();
  let url = path;
  for (const { name, in: where } of operation.parameters ?? []) {
    const value = parameters[name];
    if (value === undefined) continue;
    if (where === 'path') url = url.replace(`{${name}}`, encodeURIComponent(textOf(value)));
    else query.set(name, textOf(value));
  }
  return query.size === 0 ? url : `${url}?${query.toString()}`;
}

/** A request that the document gives as an example, by name. */
export interface ExampleRequest {
  readonly parameters: Readonly<Record<string, Json>>;
  readonly body: Readonly<Record<string, Json>> | undefined;
}

/** What the document offers for a parameter, the most telling first. */
function offersOf({ example, examples, schema }: Parameter): Json[] {
  const documented = example !== undefined ? [example] : Object.values(examples ?? {}).map(({ value }) => value);
  return documented.length > 0 ? documented : offersOfSchema(schema);
}

function offersOfSchema({ examples, default: preset }: Schema): Json[] {
  return [...(examples ?? []), ...(preset === undefined ? [] : [preset])];
}

/** Each choice of one offer for each name; what is not required is left out as well. */
function combinations(
  parts: readonly { name: string; required: boolean; offers: readonly Json[] }[],
): Record<string, Json>[] {
  return parts.reduce<Record<string, Json>[]>(
    (chosen, { name, required, offers }) => [
      ...(required ? [] : chosen),
      ...chosen.flatMap((values) => offers.map((offer) => ({ ...values, [name]: offer }))),
    ],
    [{}],
  );
}

/** Every combination of the examples (and defaults) that the document gives for an operation. */
export function exampleRequests(operation: Operation): ExampleRequest[] {
  const parameters = combinations(
    (operation.parameters ?? []).map((parameter) => ({
      name: parameter.name,
      required: parameter.required === true,
      offers: offersOf(parameter),
    })),
  );
  const schema = bodySchema(operation);
  if (schema === undefined) return parameters.map((values) => ({ parameters: values, body: undefined }));
  const bodies = combinations(
    Object.entries(schema.properties ?? {}).map(([name, part]) => ({
      name,
      required: schema.required?.includes(name) === true,
      offers: offersOfSchema(part),
    })),
  );
  return parameters.flatMap((values) => bodies.map((body) => ({ parameters: values, body })));
}
