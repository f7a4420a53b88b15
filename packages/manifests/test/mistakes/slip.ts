/** A slip that somebody makes in a file, and what they must be told. */
export interface Mistake {
  readonly name: string;
  readonly file: string;
  /** What is replaced; a mistake that does not find it fails its test. */
  readonly from: string;
  readonly to: string;
  /** The upstream chart without which nobody can tell. */
  readonly chart?: string;
  /** Must match one of the problems: file and key, and what is wrong. */
  readonly told: RegExp;
}

/** A mistake that has neither its name nor its file yet. */
interface Slip {
  readonly from: string;
  readonly to: string;
  readonly toldOf: (file: string) => RegExp;
}

export const production = 'clusters/production/fastify-service.yaml';
export const dev = 'clusters/dev/fastify-service.yaml';
export const shared = 'clusters/shared/fastify-service.yaml';

/** A problem that begins with this place: a file, which stands for any of its lines, or file:line. */
export function at(place: string, rule?: RegExp): RegExp {
  const line = /:\d+$/.test(place) ? '' : ':\\d+';
  return new RegExp(`^${place.replaceAll('.', '\\.')}${line}: ${rule?.source ?? ''}`);
}

export const replace = (from: string, to: string) => ({
  /** Told in the same file, at any line; the rule begins with the key. */
  told: (rule?: RegExp): Slip => ({ from, to, toldOf: (file) => at(file, rule) }),
  /** Told at line 1 of the same file, where no better line is known. */
  toldAtTop: (rule: RegExp): Slip => ({ from, to, toldOf: (file) => at(`${file}:1`, rule) }),
  /** Told in these words, wherever it is. */
  toldAs: (problem: RegExp): Slip => ({ from, to, toldOf: () => problem }),
});

export const remove = (from: string) => replace(from, '');
export const before = (from: string, ...lines: string[]) => replace(from, [...lines, from].join('\n'));
export const after = (from: string, ...lines: string[]) => replace(from, [from, ...lines].join('\n'));

/**
 * Slips in one file, by name.
 * @param chart the upstream chart without which nobody can tell
 */
export const inFile = (file: string, slips: Readonly<Record<string, Slip>>, chart?: string): readonly Mistake[] =>
  Object.entries(slips).map(([name, { from, to, toldOf }]) => ({
    ...{ name, file, from, to, told: toldOf(file) },
    ...(chart !== undefined && { chart }),
  }));
