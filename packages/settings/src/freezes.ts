import Type from 'typebox';
import { Value } from 'typebox/value';
import type { Problem } from './schema-problems.ts';

/** Times in which Argo CD syncs services and controllers only when a person asks for it. */
export const Freezes = Type.Array(
  Type.Object(
    {
      name: Type.String({
        pattern: '^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$',
        description: 'name of the freeze: up to 40 lower-case letters, digits and dashes, a letter first',
      }),
      // The minute is one number: a window that begins every few minutes never ends.
      schedule: Type.String({
        pattern: '^[0-9]{1,2}( [^ ]+){4}$',
        description:
          'When it begins, as cron has it: minute (one number), hour, day of month, month, day of week; for instance ' +
          '"0 18 19 12 *" for December 19 at 18:00',
      }),
      duration: Type.String({
        pattern: '^([1-9][0-9]{0,3}h)?([1-5]?[0-9]m)?$',
        minLength: 2,
        description: 'How long it lasts, in hours and minutes: 16h, 1h30m or 384h',
      }),
      timeZone: Type.String({
        minLength: 1,
        description: 'Time zone of the schedule by its IANA name, for instance America/New_York or UTC',
      }),
      reason: Type.String({ minLength: 1, maxLength: 200, description: 'What people read who wait for a deployment' }),
    },
    { additionalProperties: false },
  ),
  {
    description:
      'Freezes: Argo CD deploys to the services and controllers of the cluster only what a person syncs or rolls back ' +
      '(docs/guides/platform-engineer.md)',
  },
);

/** Argo CD would take an unknown name for UTC, and say so only in its log. */
const TIME_ZONES = ['UTC', ...Intl.supportedValuesOf('timeZone')];

/**
 * What no schema can say of freezes. Schedules and durations are checked by Argo CD's own code, in packages/manifests.
 */
export function freezeProblems(freezes: unknown): Problem[] {
  if (!Value.Check(Freezes, freezes)) return [];
  const problems: Problem[] = [];
  const names = freezes.map(({ name }) => name);
  for (const [index, { name, timeZone }] of freezes.entries()) {
    const keys = (key: string): string[] => ['freezes', String(index), key];
    if (names.indexOf(name) < index) problems.push({ keys: keys('name'), rule: 'another freeze has this name' });
    if (!TIME_ZONES.includes(timeZone)) problems.push({ keys: keys('timeZone'), rule: 'unknown time zone' });
  }
  return problems;
}
