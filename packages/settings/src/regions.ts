import { readFileSync } from 'node:fs';

/**
 * The regions of AWS's commercial partition that have EKS: AWS General Reference, "Amazon EKS endpoints and quotas",
 * 2026-11. Those of China and GovCloud are left out: their ARNs and domains differ.
 */
export const REGIONS = [
  ...['us-east-1', 'us-east-2', 'us-west-1', 'us-west-2', 'ca-central-1', 'ca-west-1', 'mx-central-1', 'sa-east-1'],
  ...['eu-central-1', 'eu-central-2', 'eu-north-1', 'eu-south-1', 'eu-south-2', 'eu-west-1', 'eu-west-2', 'eu-west-3'],
  ...['af-south-1', 'il-central-1', 'me-central-1', 'me-south-1'],
  ...['ap-east-1', 'ap-east-2', 'ap-northeast-1', 'ap-northeast-2', 'ap-northeast-3', 'ap-south-1', 'ap-south-2'],
  ...['ap-southeast-1', 'ap-southeast-2', 'ap-southeast-3', 'ap-southeast-4', 'ap-southeast-5', 'ap-southeast-7'],
] as const;

interface Zones {
  /** Ids of zones by region. */
  readonly withoutControlPlane: Readonly<Record<string, readonly string[]>>;
  /** The names that are the same in every account. */
  readonly names: Readonly<Record<string, string>>;
  readonly lastLetters: {
    /** The last letter of a zone's name in regions that are not listed. */
    readonly most: string;
    readonly regions: Readonly<Record<string, string>>;
  };
  /** Ids of zones by region. */
  readonly withoutNat: { readonly regions: Readonly<Record<string, readonly string[]>> };
  readonly withoutInstances: {
    /** Families of instance types, such as t3, by ids of zones. */
    readonly families: Readonly<Record<string, readonly string[]>>;
  };
}

const { withoutControlPlane, names, lastLetters, withoutNat, withoutInstances } = JSON.parse(
  readFileSync(new URL('../data/zones.json', import.meta.url), 'utf8'),
) as Zones;

/**
 * Zones in which EKS places no control plane, by name. It refuses them by their id, and most ids have another name in
 * each account: those cannot be refused here.
 */
export const ZONES_WITHOUT_EKS: readonly string[] = Object.values(withoutControlPlane)
  .flat()
  .flatMap((id) => names[id] ?? []);

/** The last letter that the name of a zone of a region ends in: c in eu-central-1. */
export const lastZoneLetter = (region: string): string => lastLetters.regions[region] ?? lastLetters.most;

/**
 * Why the platform cannot use a zone, by the zone's id, which means the same zone in every account; undefined where it can.
 * A name means another zone in each account, so only AWS knows the ids of an account's zones.
 * @param zoneId such as use1-az3
 */
export function zoneIdProblem(region: string, zoneId: string): string | undefined {
  if (withoutControlPlane[region]?.includes(zoneId) === true) return 'EKS places no control plane there';
  if (withoutNat.regions[region]?.includes(zoneId) === true) return 'NAT gateways are not available there';
  return undefined;
}

/**
 * The zones, by name, that are known to lack the family of an instance type. The list is short, and AWS has the whole one:
 * `make apply` asks it before it makes nodes. Zones in which EKS places no control plane are refused anyway.
 * @param families families of instance types by ids of zones
 */
export function zonesWithoutFamily(instanceType: string, families = withoutInstances.families): string[] {
  const family = instanceType.replace(/\..*$/, '');
  const zones: string[] = [];
  for (const [id, missing] of Object.entries(families)) {
    // An id without a name of its own may stand for a zone of one account.
    const name = names[id] ?? id;
    if (missing.includes(family) && !ZONES_WITHOUT_EKS.includes(name)) zones.push(name);
  }
  return zones;
}
