import type { AwsClusterSettings } from '@gitops/settings';
import { nameOf } from '../../kubernetes/object.ts';
import type { FleetApplication } from '../../render/fleet.ts';
import { oncePerPlace, textProblem } from '../origin.ts';
import type { ProofContext } from '../proof.ts';
import { objectsOnAws, textsOf } from './texts.ts';

/** Names of AWS, ARNs and registries, that lie in another account or region than the settings of the cluster say. */
export function foreignAwsNames(fleet: readonly FleetApplication[], { root }: Pick<ProofContext, 'root'>): string[] {
  const found: string[] = [];
  for (const { entry, cluster, object } of objectsOnAws(fleet))
    for (const { path, text } of textsOf(object))
      for (const { name, rule } of wrongNames(cluster, text))
        found.push(textProblem(root, entry, { object: nameOf(object), path, rule }, name));
  return oncePerPlace(found);
}

interface WrongName {
  readonly name: string;
  readonly rule: string;
}

// arn:partition:service:region:account:resource; AWS General Reference, "Amazon Resource Names (ARNs)".
const ARN = /\barn:([a-z0-9-]+):([a-z0-9-]+):([a-z0-9-]*):([0-9]*|aws):[^\s"',\\]+/g;
const REGISTRY = /\b([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com\b/g;

function wrongNames({ accountId, region, registry }: AwsClusterSettings, text: string): WrongName[] {
  const found: WrongName[] = [];
  if (text.includes('arn:'))
    for (const [name, partition = '', service, inRegion = '', account = ''] of text.matchAll(ARN)) {
      // Images are the same for all clusters, and their registry belongs to one account.
      const home = service === 'ecr' ? registry : { accountId, region };
      if (partition !== 'aws') found.push({ name, rule: 'must be in the partition aws, which all clusters are in' });
      // S3 and IAM have no region, and what AWS itself owns has no account.
      else if (inRegion !== '' && inRegion !== home.region)
        found.push({ name, rule: `must be in ${home.region}, the region of the cluster` });
      else if (account !== '' && account !== 'aws' && account !== home.accountId)
        found.push({ name, rule: `must be of account ${home.accountId}, which is the cluster's` });
    }
  if (text.includes('.dkr.ecr.'))
    for (const [name, account, inRegion] of text.matchAll(REGISTRY))
      if (account !== registry.accountId || inRegion !== registry.region)
        found.push({
          name,
          rule: `must be in the registry of all clusters, account ${registry.accountId} in ${registry.region}`,
        });
  return found;
}
