// Clients that others generate of openapi.json: a call of each operation must compile and be answered, and a call that
// the contract forbids must not compile.
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createClient } from '@hey-api/openapi-ts';
import openapiTypescript, { astToString } from 'openapi-typescript';
import t, { type Test } from 'tap';
import ts from 'typescript';
import { documentFile, type ExampleRequest, exampleRequests, type Operation, operations } from './contract.ts';
import { build } from './helper.ts';

interface Call {
  readonly template: string;
  readonly method: string;
  readonly operation: Operation;
  readonly path?: object;
  readonly query?: object;
  readonly body?: object;
}

/** A request as arguments by the part of the request that they belong to. */
function argumentsOf(
  operation: Operation,
  { parameters, body }: ExampleRequest,
): Pick<Call, 'path' | 'query' | 'body'> {
  const part = (place: 'path' | 'query'): object => {
    const names = (operation.parameters ?? []).filter((parameter) => parameter.in === place).map(({ name }) => name);
    const values = Object.fromEntries(Object.entries(parameters).filter(([name]) => names.includes(name)));
    return Object.keys(values).length === 0 ? {} : { [place]: values };
  };
  return { ...part('path'), ...part('query'), ...(body !== undefined && { body }) };
}

/** Every operation with each combination of the document's examples, from the fewest arguments to all of them. */
const calls = operations.flatMap(({ path: template, method, operation }): Call[] =>
  exampleRequests(operation).map((request) => ({ template, method, operation, ...argumentsOf(operation, request) })),
);

interface Generator {
  /** Writes the client into a folder. */
  readonly generate: (folder: string) => Promise<unknown>;
  readonly imports: string;
  /** Makes the client for the address `base`. */
  readonly setUp: string;
  /** An expression that gives `{ response }` in time. */
  readonly call: (call: Call) => string;
}

const generators: Readonly<Record<string, Generator>> = {
  'openapi-typescript': {
    async generate(folder) {
      const nodes = await openapiTypescript(readFileSync(documentFile, 'utf8'));
      writeFileSync(join(folder, 'schema.ts'), astToString(nodes));
    },
    imports: `import createClient from 'openapi-fetch';
      import type { paths } from './schema.ts';`,
    setUp: 'const client = createClient<paths>({ baseUrl: base });',
    call: ({ method, template, path, query, body }) =>
      `client.${method}(${JSON.stringify(template)}, ${JSON.stringify({ params: { path, query }, body })})`,
  },
  '@hey-api/openapi-ts': {
    generate: async (folder) =>
      createClient({
        input: documentFile,
        output: { path: join(folder, 'hey'), importFileExtension: '.ts' },
        logs: { level: 'silent' },
      }),
    imports: `import * as sdk from './hey/index.ts';
      import { client } from './hey/client.gen.ts';`,
    setUp: 'client.setConfig({ baseUrl: base });',
    call: ({ operation: { operationId }, path, query, body }) =>
      `sdk.${operationId}(${JSON.stringify({ path, query, body })})`,
  },
};

/** A folder of its own, in which packages are found as in the service. */
function scratch(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'service-clients-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  symlinkSync(resolve(import.meta.dirname, '../node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  return folder;
}

/** Compiles files and all that they import; gives what the compiler reports, and writes JavaScript beside them. */
function compile(files: readonly string[]): string[] {
  const program = ts.createProgram(files, {
    target: ts.ScriptTarget.ES2024,
    module: ts.ModuleKind.NodeNext,
    lib: ['lib.es2024.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    types: [],
    strict: true,
    skipLibCheck: true,
    rewriteRelativeImportExtensions: true,
  });
  const problems = ts.getPreEmitDiagnostics(program).map(({ messageText, file: source, start = 0 }) => {
    const line = source === undefined ? 0 : source.getLineAndCharacterOfPosition(start).line + 1;
    return `${source?.fileName ?? ''}:${line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
  program.emit();
  return problems;
}

// What is required left out, and a number as text.
const wrongCalls = calls.flatMap(({ path, query, body, ...rest }): Call[] => [
  ...(path !== undefined || body !== undefined ? [rest] : []),
  ...(query !== undefined ? [{ ...rest, query: { limit: 'ten' } }] : []),
]);

/** A module that makes all calls, and holds those that must not compile. */
function program({ imports, setUp, call }: Generator): string {
  return `${imports}
    export async function run(base: string): Promise<unknown[]> {
      ${setUp}
      return [${calls.map((one) => `(await ${call(one)}).response?.status`).join(',\n')}];
    }
    export async function refused(base: string): Promise<void> {
      ${setUp}
      ${wrongCalls.map((one) => `// @ts-expect-error\n      await ${call(one)};`).join('\n')}
    }\n`;
}

t.test('a call of each operation compiles and is answered', { timeout: 180_000 }, async (t) => {
  t.ok(wrongCalls.length > 3);
  const folder = scratch(t);
  const files = Object.entries(generators).map(([name, generator]) => ({
    name,
    generator,
    file: join(folder, `calls-${name.replace('/', '-')}.ts`),
  }));
  for (const { generator, file } of files) {
    await generator.generate(folder);
    writeFileSync(file, program(generator));
  }
  t.strictSame(compile(files.map(({ file }) => file)), [], 'they compile, and what the contract forbids does not');
  const { api } = await (await build(t)).listen();
  for (const { name, file } of files) {
    const { run } = (await import(pathToFileURL(file.replace(/ts$/, 'js')).href)) as {
      run: (base: string) => Promise<number[]>;
    };
    t.strictSame(
      await run(api),
      calls.map(() => 200),
      `${name}: ${calls.length} calls are answered`,
    );
  }
});
