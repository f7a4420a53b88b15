import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type AwsClusterSettings, clusterFacts, settingPlace } from '@gitops/settings';
import { instanceType } from '@gitops/settings/instance-types';
import { nameOf } from '../../kubernetes/object.ts';
import { podOwners, podSpecOf } from '../../kubernetes/workload.ts';
import type { FleetApplication } from '../../render/fleet.ts';
import { placed, type RenderedApplication, renderedOnly } from '../../render/rendered.ts';
import { oncePerPlace, originOf } from '../origin.ts';
import type { ProofContext } from '../proof.ts';

const FILE = 'packages/manifests/data/image-platforms.json';

/** The architectures that images of others are published for, by repository. */
export const PLATFORMS = (
  JSON.parse(readFileSync(resolve(import.meta.dirname, '../../../../..', FILE), 'utf8')) as {
    readonly images: Readonly<Record<string, readonly string[]>>;
  }
).images;

/**
 * Images that are not known to run on the nodes of their cluster. Every image is taken to run on amd64, and those of our
 * registry on all kinds of nodes, as `make image` builds them.
 */
export function wrongPlatforms(fleet: readonly FleetApplication[], { root }: Pick<ProofContext, 'root'>): string[] {
  const found: string[] = [];
  for (const entry of renderedOnly(fleet)) {
    const { cluster } = entry;
    if (cluster.provider !== 'aws') continue;
    const { architecture } = instanceType(cluster.nodeGroup.instanceType);
    if (architecture === 'amd64') continue;
    for (const image of imagesOf(entry, cluster))
      if (PLATFORMS[image.repository]?.includes(architecture) !== true)
        found.push(problemOf(root, entry, image, architecture));
  }
  return oncePerPlace(found);
}

interface Image {
  /** Without tag and digest. */
  readonly repository: string;
  readonly object: string;
}

/** The images of an Application, without those of our own registry. */
function imagesOf(entry: RenderedApplication, cluster: AwsClusterSettings): Image[] {
  const own = clusterFacts(cluster).annotations.imageRegistry;
  const found: Image[] = [];
  for (const workload of podOwners(placed(entry))) {
    const { containers = [], initContainers = [] } = podSpecOf(workload);
    for (const { image } of [...containers, ...initContainers]) {
      const repository = /^(.+?)(:[^:/@]+)?(@[^@]+)?$/.exec(image ?? '')?.[1];
      if (repository !== undefined && !repository.startsWith(`${own}/`))
        found.push({ repository, object: nameOf(workload) });
    }
  }
  return found;
}

/** At the value that names the image, or at the kind of node. */
function problemOf(
  root: string,
  entry: RenderedApplication,
  { repository, object }: Image,
  architecture: string,
): string {
  const rule = `${repository} is not known to run on ${architecture}, which the nodes of ${entry.cluster.name} are; if it does, add it to ${FILE}`;
  const origin = originOf(root, entry, repository);
  if (origin !== undefined) return `${origin.place}: ${origin.keys.join('.')}: ${rule}`;
  const key = ['nodeGroup', 'instanceType'];
  return `${settingPlace(root, entry.cluster.name, key)}: ${key.join('.')}: ${rule} (${object})`;
}
