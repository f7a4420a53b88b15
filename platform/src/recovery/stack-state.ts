import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SynthesizedStack } from '../app.ts';
import { jsonIn, type Tofu } from '../tofu.ts';
import type { Values } from './identities.ts';

/** A resource that a stack declares. */
export interface Resource {
  /** aws_vpc.vpc */
  readonly to: string;
  readonly type: string;
  readonly values: Values;
}

/** A stack as its cdk.tf.json has it. */
export interface Declared {
  readonly accountId: string;
  readonly region: string;
  /** The tags of everything in the stack. */
  readonly tags: Readonly<Record<string, string>>;
  readonly resources: readonly Resource[];
}

interface StackJson {
  readonly provider: {
    readonly aws: readonly {
      readonly allowed_account_ids: readonly string[];
      readonly region: string;
      readonly default_tags?: readonly { readonly tags: Readonly<Record<string, string>> }[];
    }[];
  };
  readonly resource?: Readonly<Record<string, Readonly<Record<string, Values>>>>;
}

export function readDeclared({ name, folder }: SynthesizedStack): Declared {
  const json = JSON.parse(readFileSync(join(folder, 'cdk.tf.json'), 'utf8')) as StackJson;
  const [aws] = json.provider.aws;
  if (aws === undefined) throw new Error(`${name} has no AWS provider`);
  const resources: Resource[] = [];
  for (const [type, byId] of Object.entries(json.resource ?? {}))
    for (const [id, values] of Object.entries(byId)) resources.push({ to: `${type}.${id}`, type, values });
  return {
    accountId: aws.allowed_account_ids[0] ?? '',
    region: aws.region,
    tags: aws.default_tags?.[0]?.tags ?? {},
    resources,
  };
}

/** What a state has: attributes by address. */
export type Held = ReadonlyMap<string, Values>;

interface State {
  readonly resources?: readonly {
    readonly mode: string;
    readonly type: string;
    readonly name: string;
    /** The one that counts, and those that wait to be deleted after it came in their place. */
    readonly instances: readonly { readonly deposed?: string; readonly attributes: Values }[];
  }[];
}

/** Reads the state of a stack; empty where none was written yet. */
export async function readHeld(tofu: Tofu, stack: SynthesizedStack): Promise<Held> {
  const pulled = await tofu.capture(stack, ['state', 'pull']);
  const { resources = [] } = (jsonIn(pulled) ?? {}) as State;
  const held = new Map<string, Values>();
  for (const { mode, type, name, instances } of resources) {
    const instance = instances.find(({ deposed }) => deposed === undefined);
    if (mode === 'managed' && instance !== undefined) held.set(`${type}.${name}`, instance.attributes);
  }
  return held;
}
