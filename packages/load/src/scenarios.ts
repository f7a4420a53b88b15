import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';

const folder = resolve(import.meta.dirname, '../scenarios');

/** The script of a scenario, which k6 runs. */
export const scriptOf = (scenario: string): string => resolve(folder, `${scenario}.ts`);

/** Only for drills, by start-load.ts: nothing is judged there. */
export const DRILL = 'drill';

/** A constant rate by hey in place of k6: another client, so that a finding is not one of k6. */
export const HEY = 'hey';

/** What `make load` can run. */
export function scenarioNames(): string[] {
  const scripts = readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length));
  return [...scripts.filter((name) => name !== DRILL), HEY].sort();
}
