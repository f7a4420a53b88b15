import { decode, encode, ExtensionCodec } from '@msgpack/msgpack';
import type { Block } from './schemas.ts';

/** A value that is known after the apply alone. */
export class Unknown {
  readonly known = false;
}
export const UNKNOWN = new Unknown();

/** An object of Terraform's: every attribute and block of its schema, null where there is nothing. */
export type Values = Record<string, unknown>;

const codec = new ExtensionCodec();
// cty: extension 0 is an unknown value, 12 one of which something is known.
for (const type of [0, 12])
  codec.register({
    type,
    encode: (value) => (type === 0 && value instanceof Unknown ? new Uint8Array([0]) : null),
    decode: () => UNKNOWN,
  });

export const fromMessage = (message: { readonly msgpack?: Uint8Array } | null | undefined): unknown =>
  message?.msgpack === undefined || message.msgpack.length === 0
    ? null
    : decode(message.msgpack, { extensionCodec: codec });
export const toMessage = (value: unknown): { msgpack: Uint8Array } => ({
  msgpack: encode(value, { extensionCodec: codec }),
});

/** The value with everything that its schema has, and nothing else. */
export function complete(block: Block, value: Values): Values {
  const attributes = Object.keys(block.attributes).map((name) => [name, value[name] ?? null] as const);
  const blocks = Object.entries(block.blocks).map(([name, { block: inner, nesting }]) => {
    const given = value[name];
    if (nesting === 'single')
      return [name, given === null || given === undefined ? null : complete(inner, given as Values)] as const;
    return [name, Array.isArray(given) ? (given as Values[]).map((item) => complete(inner, item)) : []] as const;
  });
  return Object.fromEntries([...attributes, ...blocks]);
}

/**
 * Whether two values are the same to Terraform; the order of a set does not count, and no order of ours decides
 * anything.
 */
export const isSame = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b);

function canonical(value: unknown): string {
  if (value instanceof Unknown) return '?';
  if (Array.isArray(value)) return `[${value.map(canonical).sort().join()}]`;
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .filter(([, inner]) => inner !== null && !(Array.isArray(inner) && inner.length === 0))
      .map(([key, inner]) => `${key}:${canonical(inner)}`)
      .sort()
      .join()}}`;
  return JSON.stringify(value ?? null);
}
