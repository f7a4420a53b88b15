/** A mistake in a file, and the problem that must be reported. */
export interface Mistake {
  readonly name: string;
  readonly file: string;
  /** What is replaced; a mistake that does not find it fails its test. */
  readonly from: string;
  readonly to: string;
  /** The upstream chart that the check needs. */
  readonly chart?: string;
  /** Must match one of the problems: file and key, and what is wrong. */
  readonly expected: RegExp;
}

/** A mistake that has neither its name nor its file yet. */
interface Slip {
  readonly from: string;
  readonly to: string;
  readonly expectedIn: (file: string) => RegExp;
}

export const production = 'clusters/production/fastify-service.yaml';
export const dev = 'clusters/dev/fastify-service.yaml';
export const shared = 'clusters/shared/fastify-service.yaml';

/** A problem that begins with this place: a file (any of its lines), or file:line. */
export function at(place: string, rule?: RegExp): RegExp {
  const line = /:\d+$/.test(place) ? '' : ':\\d+';
  return new RegExp(`^${place.replaceAll('.', '\\.')}${line}: ${rule?.source ?? ''}`);
}

export const replace = (from: string, to: string) => ({
  /** Reported in the same file, at any line; the rule begins with the key. */
  reports: (rule?: RegExp): Slip => ({ from, to, expectedIn: (file) => at(file, rule) }),
  /** Reported at line 1 of the same file, where no better line is known. */
  reportsAtTop: (rule: RegExp): Slip => ({ from, to, expectedIn: (file) => at(`${file}:1`, rule) }),
  /** Reported in these words, at any place. */
  reportsAs: (problem: RegExp): Slip => ({ from, to, expectedIn: () => problem }),
});

export const remove = (from: string) => replace(from, '');
export const before = (from: string, ...lines: string[]) => replace(from, [...lines, from].join('\n'));
export const after = (from: string, ...lines: string[]) => replace(from, [from, ...lines].join('\n'));

/**
 * Slips in one file, by name.
 * @param chart the upstream chart that the checks need
 */
export const inFile = (file: string, slips: Readonly<Record<string, Slip>>, chart?: string): readonly Mistake[] =>
  Object.entries(slips).map(([name, { from, to, expectedIn }]) => ({
    ...{ name, file, from, to, expected: expectedIn(file) },
    ...(chart !== undefined && { chart }),
  }));
