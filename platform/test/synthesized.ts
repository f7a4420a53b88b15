import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SynthesizedStack } from '../src/app.ts';

/** A resource of a stack, as CDKTF writes it. */
export type Resource = Readonly<Record<string, unknown>>;

/** The resources of a type in a stack; throws where there is no such stack. */
export function resourcesOf(stacks: readonly SynthesizedStack[], stack: string, type: string): Resource[] {
  const found = stacks.find(({ name }) => name === stack);
  if (found === undefined) throw new Error(`unknown stack ${stack}`);
  const { resource } = JSON.parse(readFileSync(join(found.folder, 'cdk.tf.json'), 'utf8')) as {
    resource: Record<string, Record<string, Resource>>;
  };
  return Object.values(resource[type] ?? {});
}
