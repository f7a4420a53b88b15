import { UNASSUMABLE } from './limits.ts';
import { AwsError } from './operations.ts';
import type { Values } from './values.ts';

/** Repeats a creation while AWS says that it does not know a role yet, as the provider does for two minutes. */
export async function repeated(type: string, create: () => Promise<Values>): Promise<Values> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await create();
    } catch (error) {
      const isPassing =
        error instanceof AwsError && /does not exist|cannot be assumed|Unable to assume/.test(error.detail);
      if (!isPassing || UNASSUMABLE[type] === undefined || attempt === 120) throw error;
    }
  }
}
