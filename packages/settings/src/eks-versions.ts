import { readFileSync } from 'node:fs';

interface EksVersions {
  /** By minor version: the last day of standard support, as 2027-08-02. */
  readonly standardSupportUntil: Readonly<Record<string, string>>;
  /** The add-ons that EKS offers for each of these versions. */
  readonly addons: readonly string[];
}

const { standardSupportUntil, addons } = JSON.parse(
  readFileSync(new URL('../data/eks-versions.json', import.meta.url), 'utf8'),
) as EksVersions;

const DAY = 24 * 60 * 60 * 1000;

/**
 * How many whole days of standard support a minor version of Kubernetes has left in EKS; below 0 when it is over,
 * undefined for one that packages/settings/data/eks-versions.json does not have.
 */
export function daysOfSupport(version: string, today: Date): number | undefined {
  const until = standardSupportUntil[version];
  return until === undefined ? undefined : Math.floor((Date.parse(until) - today.getTime()) / DAY);
}

/** The add-ons of this repository that EKS offers for a minor version of Kubernetes. */
export const offeredAddons = (version: string): readonly string[] =>
  Object.hasOwn(standardSupportUntil, version) ? addons : [];

/** Whether EKS offers an add-on for a minor version of Kubernetes. */
export const hasAddon = (name: string, version: string): boolean => offeredAddons(version).includes(name);

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
  return `${why}: ${supported.join(', ')} (the dates are in packages/settings/data/eks-versions.json)`;
}

/** 36 of "1.36" */
export const minorOf = (version: string): number => Number(version.split('.')[1]);

/**
 * Why a cluster cannot go from the version that it runs to another, as a rule for the setting; undefined where it can.
 * EKS user guide, "Update existing cluster to new Kubernetes version": one minor version at a time, and never back.
 */
export function stepProblem(running: string, to: string): string | undefined {
  if (minorOf(to) < minorOf(running))
    return `must not go back: the cluster runs ${running}, and EKS does not downgrade a cluster`;
  return skipProblem(running, to, 'the cluster runs');
}

/**
 * Why a version skips one, as a rule for the setting; undefined where it does not.
 * @param source who has the version `from`: `the cluster runs`, `origin/main has`
 */
export const skipProblem = (from: string, to: string, source: string): string | undefined =>
  minorOf(to) > minorOf(from) + 1
    ? `must be 1.${minorOf(from) + 1}: ${source} ${from}, and EKS upgrades one minor version at a time`
    : undefined;
