import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

// What a resource, data source or provider accepts, read from the bindings that the stacks are written with: their
// JavaScript lists every attribute and block with its type, their declarations say which are required and which AWS
// fills in.

/** A type as Terraform's protocol writes it: "string", ["list", "string"], ["object", {…}]. */
export type AttributeType =
  | 'string'
  | 'number'
  | 'bool'
  | readonly ['list' | 'set' | 'map', AttributeType]
  | readonly ['object', Readonly<Record<string, AttributeType>>];

export interface Attribute {
  readonly type: AttributeType;
  readonly required: boolean;
  readonly optional: boolean;
  readonly computed: boolean;
}

export interface NestedBlock {
  readonly block: Block;
  readonly nesting: 'single' | 'list' | 'set';
  readonly required: boolean;
}

export interface Block {
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly blocks: Readonly<Record<string, NestedBlock>>;
}

/** Which part of a stack: a resource or data source by its type, or the provider's own configuration. */
export interface SchemaName {
  readonly provider: 'aws' | 'helm';
  readonly kind: 'resource' | 'data' | 'provider';
  /** aws_vpc; nothing for the provider itself. */
  readonly type?: string;
}

const require = createRequire(import.meta.url);
const rootOf = (provider: 'aws' | 'helm'): string =>
  dirname(require.resolve(`@cdktf/provider-${provider}/package.json`));

/** The schema of one part. Throws where the bindings have no such type. */
export function schemaOf({ provider, kind, type = '' }: SchemaName): Block {
  const words = type.replace(new RegExp(`^${provider}_`), '').replaceAll('_', '-');
  const folder = join(
    rootOf(provider),
    'lib',
    kind === 'provider' ? 'provider' : kind === 'data' ? `data-${provider}-${words}` : words,
  );
  if (!existsSync(folder)) throw new Error(`the bindings have no ${kind} ${type}`);
  return parse(readFileSync(join(folder, 'index.js'), 'utf8'), readFileSync(join(folder, 'index.d.ts'), 'utf8'), kind);
}

const ATTRIBUTE =
  /^ +(\w+): \{\n +value: (.+),\n +isBlock: (true|false),\n +type: "(\w+)",\n +storageClassType: "(\w+)",\n/gm;
const SCALARS: Readonly<Record<string, AttributeType>> = { string: 'string', number: 'number', boolean: 'bool' };

const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function parse(source: string, declarations: string, kind: SchemaName['kind']): Block {
  const owner = /export declare class (\w+) extends cdktf\.Terraform(?:Resource|DataSource|Provider)/.exec(
    declarations,
  )?.[1];
  const body = /synthesizeHclAttributes\(\) \{[^]*?\n {4}\}\n/.exec(source)?.[0];
  if (owner === undefined || body === undefined) throw new Error('these bindings are of a form that is not understood');

  /** The names that an interface requires. */
  const required = (name: string): Set<string> =>
    new Set(
      Array.from(
        (
          new RegExp(`export interface ${name}(?: extends [\\w.]+)? \\{([^]*?)\\n\\}`).exec(declarations)?.[1] ?? ''
        ).matchAll(/^ {4}readonly (\w+): /gm),
        ([, key = '']) => key,
      ),
    );
  const block = (text: string, interfaceName: string, computed: boolean): Block => {
    const needed = required(interfaceName);
    const attributes: Record<string, Attribute> = {};
    const blocks: Record<string, NestedBlock> = {};
    for (const [, name = '', value = '', isBlock, shape = '', storage = ''] of text.matchAll(ATTRIBUTE)) {
      const isRequired = needed.has(camel(name)) || needed.has(`${camel(name)}Attribute`);
      if (isBlock === 'true') {
        const converter = /(\w+)ToHclTerraform/.exec(value)?.[1] ?? '';
        const inner =
          new RegExp(`function ${converter}ToHclTerraform\\(struct\\) \\{[^]*?\\n\\}\\n`).exec(source)?.[0] ?? '';
        blocks[name] = {
          block: block(inner, converter.charAt(0).toUpperCase() + converter.slice(1), computed),
          nesting: shape === 'struct' ? 'single' : shape === 'set' ? 'set' : 'list',
          required: isRequired,
        };
      } else {
        attributes[name] = {
          type: typeFrom(shape, storage),
          required: isRequired,
          optional: !isRequired,
          computed: computed && !isRequired,
        };
      }
    }
    return { attributes, blocks };
  };
  const { attributes, blocks } = block(body, `${owner}Config`, kind !== 'provider');
  return {
    attributes: {
      ...(kind === 'provider'
        ? {}
        : computedOf(declarations, owner, new Set([...Object.keys(attributes), ...Object.keys(blocks)]))),
      ...attributes,
    },
    blocks,
  };
}

function typeFrom(shape: string, storage: string): AttributeType {
  const scalar = SCALARS[storage];
  if (scalar !== undefined) return scalar;
  const element = SCALARS[storage.replace(/(List|Set|Map)+$/, '')] ?? 'string';
  const collection = storage.endsWith('Map') ? 'map' : shape === 'set' ? 'set' : 'list';
  return storage.endsWith('MapList') ? ['list', ['map', element]] : [collection, element];
}

/** What only AWS says: getters of the class that nothing sets. */
function computedOf(declarations: string, owner: string, known: ReadonlySet<string>): Record<string, Attribute> {
  const bodyOf = (name: string): string =>
    new RegExp(`export declare class ${name} extends [\\w.]+ \\{([^]*?)\\n\\}`).exec(declarations)?.[1] ?? '';
  const getters = (name: string): [string, AttributeType][] =>
    Array.from(bodyOf(name).matchAll(/^ {4}get (\w+)\(\): ([^;{]+|\{[^}]*\});/gm)).flatMap(
      ([, getter = '', type = '']): [string, AttributeType][] => {
        if (getter.endsWith('Input') || getter === 'internalValue' || getter === 'fqn') return [];
        const result = resultType(type.trim());
        return result === undefined ? [] : [[snake(getter), result]];
      },
    );
  const resultType = (type: string): AttributeType | undefined => {
    if (type === 'string') return 'string';
    if (type === 'number') return 'number';
    if (type === 'cdktf.IResolvable' || type.startsWith('boolean')) return 'bool';
    if (type === 'string[]') return ['list', 'string'];
    if (type === 'number[]') return ['list', 'number'];
    if (type.startsWith('cdktf.StringMap') || type.startsWith('{')) return ['map', 'string'];
    const element = /^(\w+)List$/.exec(type)?.[1] ?? /^(\w+)OutputReference$/.exec(type)?.[1];
    return element === undefined
      ? undefined
      : ['list', ['object', Object.fromEntries(getters(`${element}OutputReference`))]];
  };
  return Object.fromEntries(
    getters(owner)
      .filter(([name]) => !known.has(name))
      .map(([name, type]) => [name, { type, required: false, optional: false, computed: true }]),
  );
}
