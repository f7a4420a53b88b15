import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Image, ImageFileError, isImageFile, readImage } from '@gitops/delivery/image-file';
import { type AwsClusterSettings, clusterFacts, settingPlace } from '@gitops/settings';
import { instanceType } from '@gitops/settings/instance-types';
import { UNRELEASED } from '@gitops/settings/services';
import { readYamlFile } from '@gitops/settings/yaml-file';
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

const KEY = ['nodeGroup', 'instanceType'];

/**
 * Images that are not known to run on the nodes of their cluster: ours by what their image file says, those of others by
 * a list. Where nothing is said, an image is taken to run on amd64 alone.
 */
export function wrongPlatforms(fleet: readonly FleetApplication[], { root }: Pick<ProofContext, 'root'>): string[] {
  const found: string[] = [];
  for (const entry of renderedOnly(fleet)) {
    const { cluster } = entry;
    if (cluster.provider !== 'aws') continue;
    const { architecture } = instanceType(cluster.nodeGroup.instanceType);
    for (const image of imagesOf(entry, cluster)) {
      const problem = image.isOurs
        ? ownProblem(root, entry, image, architecture)
        : upstreamProblem(root, entry, image, architecture);
      if (problem !== undefined) found.push(problem);
    }
  }
  return oncePerPlace(found);
}

interface RenderedImage {
  /** Without tag and digest. */
  readonly repository: string;
  readonly digest: string | undefined;
  /** Whether it is in our own registry. */
  readonly isOurs: boolean;
  readonly object: string;
}

function imagesOf(entry: RenderedApplication, cluster: AwsClusterSettings): RenderedImage[] {
  const own = clusterFacts(cluster).annotations.imageRegistry;
  const found: RenderedImage[] = [];
  for (const workload of podOwners(placed(entry))) {
    const { containers = [], initContainers = [] } = podSpecOf(workload);
    for (const { image } of [...containers, ...initContainers]) {
      const [, repository, , digest] = /^(.+?)(:[^:/@]+)?(?:@([^@]+))?$/.exec(image ?? '') ?? [];
      if (repository === undefined) continue;
      found.push({ repository, digest, isOurs: repository.startsWith(`${own}/`), object: nameOf(workload) });
    }
  }
  return found;
}

/** At the kind of node: people change that, and CI alone the image. */
function ownProblem(
  root: string,
  { cluster, chart }: RenderedApplication,
  { repository, digest }: RenderedImage,
  architecture: string,
): string | undefined {
  const file = chart?.valueFiles.find(isImageFile);
  // Previews have no image file: theirs is built by `make image` from a commit of today, for every kind of node.
  if (file === undefined || digest === UNRELEASED) return undefined;
  const present = imageIn(root, file);
  if (present === undefined) return undefined;
  const { digest: recorded, platforms } = present;
  const known = digest === recorded ? platforms : undefined;
  const isFor = known?.includes(`linux/${architecture}`) ?? architecture === 'amd64';
  if (isFor) return undefined;
  const key = known === undefined ? 'digest' : 'platforms';
  const place = readYamlFile(root, file).position(['image', key]) ?? `${file}:1`;
  const says =
    known === undefined
      ? `${place} does not say that it is for anything but amd64`
      : `${place} has ${known.join(', ')}`;
  const name = repository.slice(repository.lastIndexOf('/') + 1);
  const rule = `the nodes of ${cluster.name} are ${architecture}, and the image of ${name} does not run on them (${says}); release one for both first, and wait until the cluster runs it`;
  return `${settingPlace(root, cluster.name, KEY)}: ${KEY.join('.')}: ${rule}`;
}

/** The image of a file; undefined where it has another form, which is reported as such. */
function imageIn(root: string, file: string): Image | undefined {
  try {
    return readImage(readFileSync(join(root, file), 'utf8'), file);
  } catch (error) {
    if (error instanceof ImageFileError) return undefined;
    throw error;
  }
}

/** At the value that names the image, or at the kind of node. */
function upstreamProblem(
  root: string,
  entry: RenderedApplication,
  { repository, object }: RenderedImage,
  architecture: string,
): string | undefined {
  if (architecture === 'amd64' || PLATFORMS[repository]?.includes(architecture) === true) return undefined;
  const rule = `${repository} is not known to run on ${architecture}, which the nodes of ${entry.cluster.name} are; if it does, add it to ${FILE}`;
  const origin = originOf(root, entry, repository);
  if (origin !== undefined) return `${origin.place}: ${origin.keys.join('.')}: ${rule}`;
  return `${settingPlace(root, entry.cluster.name, KEY)}: ${KEY.join('.')}: ${rule} (${object})`;
}
