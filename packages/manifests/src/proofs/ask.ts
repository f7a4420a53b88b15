import type { FleetApplication } from '../render/fleet.ts';
import type { Proof } from './proof.ts';

/** What is known of a fleet before proofs are asked about it. */
export interface Premises {
  /** Whether what an Application renders is unknown, which is reported already. */
  readonly isUnknown: (entry: FleetApplication) => boolean;
  /** Whether all clusters are in the fleet. */
  readonly hasAllClusters: boolean;
}

/** An invariant that was not asked, since something that is reported has to be fixed first. */
export interface Unasked {
  readonly name: string;
  /** The clusters that it was not asked about; empty for all. */
  readonly clusters: readonly string[];
}

/** What proofs found. */
export interface Answers {
  /** In the order of the proofs. */
  readonly problems: readonly string[];
  readonly unasked: readonly Unasked[];
}

/** Asks proofs, in their order, but none whose premises do not hold: it would report consequences of what is reported. */
export async function ask(
  proofs: readonly Proof[],
  fleet: readonly FleetApplication[],
  { isUnknown, hasAllClusters }: Premises,
): Promise<Answers> {
  const unknown = [...new Set(fleet.filter(isUnknown).map(({ cluster }) => cluster.name))].sort();
  const isWhole = unknown.length === 0 && hasAllClusters && fleet.length > 0;
  const known = unknown.length === 0 ? fleet : fleet.filter(({ cluster }) => !unknown.includes(cluster.name));
  const broken = new Set<string>();
  const problems: string[] = [];
  const unasked: Unasked[] = [];
  for (const { name, needs, follows = [], prove } of proofs) {
    if ((needs === 'fleet' && !isWhole) || follows.some((other) => broken.has(other))) {
      unasked.push({ name, clusters: [] });
      continue;
    }
    if (needs === 'cluster' && unknown.length > 0) unasked.push({ name, clusters: unknown });
    const found = await prove(needs === 'cluster' ? known : fleet);
    if (found.length > 0) broken.add(name);
    problems.push(...found);
  }
  return { problems, unasked };
}

/** One line for people; undefined where every proof was asked. */
export function unaskedLine(unasked: readonly Unasked[]): string | undefined {
  if (unasked.length === 0) return undefined;
  const names = new Map<string, string[]>();
  for (const { name, clusters } of unasked) {
    const where = clusters.length === 0 ? '' : ` (${clusters.join(', ')})`;
    names.set(where, [...(names.get(where) ?? []), name]);
  }
  const lists = [...names].map(([where, found]) => `${found.join(', ')}${where}`);
  return `not checked until this is fixed: ${lists.join('; ')}`;
}
