/** A change of one file; paths are from the repository's root. */
export type Edit =
  /** Text of a file is replaced; an edit that does not find it fails its test. */
  | { readonly file: string; readonly from: string; readonly to: string }
  /** A new file. */
  | { readonly file: string; readonly text: string }
  /** A copy of a file or folder. */
  | { readonly file: string; readonly copyOf: string }
  /** A file or folder that is removed. */
  | { readonly file: string; readonly isRemoved: true };

/** A mistake, and the problem that must be reported; or an honest edit, which must be without a problem. */
export interface Mistake {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** The upstream chart that the check needs; `all` for the charts of all Applications. */
  readonly chart?: string;
  /** Must match one of the problems: file and key, and what is wrong. Without it, there must be no problem. */
  readonly expected?: RegExp;
  /** Every problem must match it: a cause is reported without what follows from it. */
  readonly isOnly?: true;
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
    ...{ name: `${file}: ${name}`, edits: [{ file, from, to }], expected: expectedIn(file) },
    ...(chart !== undefined && { chart }),
  }));

/**
 * A slip whose cause lies between objects or files: it must be reported, and nothing else.
 * @param chart the upstream chart that the check needs, or `all`
 */
export const across = (name: string, edits: Edit | readonly Edit[], expected: RegExp, chart?: string): Mistake => ({
  ...{ name, edits: [edits].flat(), expected, isOnly: true },
  ...(chart !== undefined && { chart }),
});

/** The same of a slip that is two: another true problem is reported as well. */
export const amongOthers = (...slip: Parameters<typeof across>): Mistake => {
  const { isOnly: _, ...mistake } = across(...slip);
  return mistake;
};

/** An edit that is right: it must be without a problem. */
export const honest = (name: string, edits: Edit | readonly Edit[], chart?: string): Mistake => ({
  ...{ name, edits: [edits].flat() },
  ...(chart !== undefined && { chart }),
});

/** Nodes of another architecture: those of the group, and those that Karpenter may add. */
export function arm64Nodes(cluster: string): Edit[] {
  const file = `clusters/${cluster}/cluster.yaml`;
  return [
    { file, from: 'instanceType: t3.medium', to: 'instanceType: t4g.medium' },
    { file, from: 'instanceTypes: [t3.medium, t3.large]', to: 'instanceTypes: [t4g.medium, t4g.large]' },
  ];
}
