import { readFileSync } from 'node:fs';

interface EksVersions {
  /** By minor version: the last day of standard support, as 2027-08-02. */
  readonly standardSupportUntil: Readonly<Record<string, string>>;
}

const { standardSupportUntil } = JSON.parse(
  readFileSync(new URL('../data/eks-versions.json', import.meta.url), 'utf8'),
) as EksVersions;

const DAY = 24 * 60 * 60 * 1000;

/**
 * How many whole days of standard support a minor version of Kubernetes has left in EKS; below 0 when it is over,
 * undefined for one that platform/data/eks-versions.json does not have.
 */
export function daysOfSupport(version: string, today: Date): number | undefined {
  const until = standardSupportUntil[version];
  return until === undefined ? undefined : Math.floor((Date.parse(until) - today.getTime()) / DAY);
}

/** Why a version cannot be used, as a rule for its setting; undefined where it can. */
export function supportProblem(version: string, today: Date): string | undefined {
  const days = daysOfSupport(version, today);
  const supported = Object.keys(standardSupportUntil).filter(
    (candidate) => (daysOfSupport(candidate, today) ?? -1) >= 0,
  );
  if (days !== undefined && days >= 0) return undefined;
  const why =
    days === undefined
      ? 'must be a version that EKS offers'
      : `must be in EKS's standard support, which ended on ${standardSupportUntil[version] ?? ''}`;
  return `${why}: ${supported.join(', ')} (the dates are in platform/data/eks-versions.json)`;
}
