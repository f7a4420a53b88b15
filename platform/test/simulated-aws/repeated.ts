import { LATE } from './limits/late.ts';
import { AwsError } from './operations.ts';
import type { Values } from './values.ts';

/** Repeats a creation while AWS does not know what it names, as the provider does for two minutes. */
export async function repeated(type: string, create: () => Promise<Values>): Promise<Values> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await create();
    } catch (error) {
      const isPassing =
        error instanceof AwsError && (LATE[type] ?? []).some(({ repeatedAt }) => repeatedAt.test(error.message));
      if (!isPassing || attempt === 120) throw error;
    }
  }
}
