import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { SynthesizedStack } from '../app.ts';
import { dataFolder, type Tofu } from '../tofu.ts';

// Where a state cannot be stored, because the credentials expired for instance, OpenTofu writes it to this file beside the
// stack. The next synth replaces that folder, so it is kept elsewhere until an apply stores it.
const FILE = 'errored.tfstate';

const kept = (platform: string, { name }: Pick<SynthesizedStack, 'name'>): string =>
  join(dataFolder(platform, name), FILE);

/** The state that the last apply of a stack could not store, as a file; undefined where there is none. */
export function unsavedState(platform: string, stack: Pick<SynthesizedStack, 'name'>): string | undefined {
  const file = kept(platform, stack);
  return existsSync(file) ? file : undefined;
}

/** Keeps the state that OpenTofu could not store, where it wrote one. Returns whether it did. */
export function keepUnsavedState(platform: string, stack: SynthesizedStack): boolean {
  const written = join(stack.folder, FILE);
  if (!existsSync(written)) return false;
  copyFileSync(written, kept(platform, stack));
  rmSync(written);
  return true;
}

/** Stores the state that the last apply could not store. Returns whether there was one. Throws as Tofu.run does. */
export async function storeUnsavedState(tofu: Tofu, platform: string, stack: SynthesizedStack): Promise<boolean> {
  const file = unsavedState(platform, stack);
  if (file === undefined) return false;
  await tofu.run(stack, ['state', 'push', file]);
  rmSync(file);
  return true;
}
