import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Publication } from '@gitops/delivery/commit';
import { imageFile } from '@gitops/delivery/image-file';
import { ensureNodeBase, thisPlatform } from '@gitops/images/node-base';
import { tagsOf } from '@gitops/images/registry';
import { buildServiceImage, type ServiceImage } from '@gitops/images/service-image';
import { CommandError } from '@gitops/report/errors';
import { progressTo } from '@gitops/report/progress';
import { LOCAL_REGISTRY } from '@gitops/settings';
import { FIRST_SERVICE, serviceNames, UNRELEASED } from '@gitops/settings/services';
import { ensureTools, type Tools } from '@gitops/tools/tools';
import { runningPid } from './daemon.ts';
import { type Instance, readState, writeState } from './instance.ts';
import type { Ports } from './ports.ts';
import { registryAddress } from './registry.ts';
import { publishedImage, publishImage, repositoryURL } from './repository.ts';

/**
 * Builds the image of a service from the work tree, for this machine, and pushes it to the local registry.
 * @param tag by default the version and the commit; see packages/images
 * Throws CommandError when the service does not build or the registry does not take it; nothing is pushed then.
 */
export async function buildLocalImage(
  instance: Instance,
  tools: Tools,
  ports: Ports,
  { service = FIRST_SERVICE, tag }: { readonly service?: string; readonly tag?: string | undefined } = {},
): Promise<ServiceImage> {
  if (runningPid(instance, 'registry') === undefined)
    throw new CommandError('the image registry is not running', 'run `make up`');
  const { root } = instance;
  const address = registryAddress(ports);
  return buildServiceImage(root, {
    service,
    bin: tools.bin,
    registry: LOCAL_REGISTRY,
    tag,
    base: await ensureNodeBase(root, tools.bin, { name: LOCAL_REGISTRY, address }),
    platforms: [thisPlatform],
    registries: { [LOCAL_REGISTRY]: address },
  });
}

/** Marks that main has had an image of a service that this machine built. */
const stateFile = (service: string): string =>
  service === FIRST_SERVICE ? 'first-image.json' : `first-image-${service}.json`;

/** The first image of a service, and the commit that names it. */
export interface FirstImage {
  readonly image: ServiceImage;
  readonly publication: Publication;
}

/**
 * Gives every service of main its first image: that of the clone's image file is in no registry here. Later ones stay as
 * they were shipped, the bad ones too.
 * @returns those that had none
 */
export async function ensureFirstImages(instance: Instance, tools: Tools, ports: Ports): Promise<FirstImage[]> {
  const made: FirstImage[] = [];
  for (const service of serviceNames(instance.root)) {
    const published = await publishedImage(instance, service);
    if (published === undefined) continue;
    const images = await tagsOf(registryAddress(ports), service);
    const isOurs = images.length > 0 && readState(instance, stateFile(service)) !== undefined;
    if (isOurs && published.digest !== UNRELEASED) continue;
    const image = await buildLocalImage(instance, tools, ports, { service });
    const { tag, digest } = image;
    const publication = await publishImage(instance, repositoryURL(ports.git), service, image);
    writeState(instance, stateFile(service), { tag, digest });
    made.push({ image, publication });
  }
  return made;
}

/**
 * Builds the first images of services that the work tree has and main has not: their image files name none that exists.
 * Throws as `buildLocalImage` does.
 */
export async function buildFirstImages(instance: Instance, ports: Ports): Promise<Map<string, ServiceImage>> {
  const built = new Map<string, ServiceImage>();
  for (const service of serviceNames(instance.root)) {
    const file = imageFile(instance.cluster, service);
    if (!existsSync(join(instance.root, file)) || (await publishedImage(instance, service)) !== undefined) continue;
    const tools = await ensureTools({ ...progressTo(), note: () => undefined }, { verify: false });
    const image = await buildLocalImage(instance, tools, ports, { service });
    writeState(instance, stateFile(service), { tag: image.tag, digest: image.digest });
    built.set(service, image);
  }
  return built;
}
