import type { Publication } from '@gitops/delivery/commit';
import { ensureNodeBase, thisPlatform } from '@gitops/images/node-base';
import { tagsOf } from '@gitops/images/registry';
import { buildServiceImage, SERVICE_IMAGE, type ServiceImage } from '@gitops/images/service-image';
import { CommandError } from '@gitops/report/errors';
import { LOCAL_REGISTRY } from '@gitops/settings';
import type { Tools } from '@gitops/tools/tools';
import { runningPid } from './daemon.ts';
import { type Instance, readState, writeState } from './instance.ts';
import type { Ports } from './ports.ts';
import { registryAddress } from './registry.ts';
import { publishImage, repositoryURL } from './repository.ts';

/**
 * Builds the image of the service from the work tree, for this machine, and pushes it to the local registry.
 * @param tag by default the version and the commit; see packages/images
 * Throws CommandError when the service does not build or the registry does not take it; nothing is pushed then.
 */
export async function buildLocalImage(
  instance: Instance,
  tools: Tools,
  ports: Ports,
  tag?: string,
): Promise<ServiceImage> {
  if (runningPid(instance, 'registry') === undefined)
    throw new CommandError('the image registry is not running', 'run `make up`');
  const { root } = instance;
  const address = registryAddress(ports);
  return buildServiceImage(root, {
    bin: tools.bin,
    registry: LOCAL_REGISTRY,
    tag,
    base: await ensureNodeBase(root, tools.bin, { name: LOCAL_REGISTRY, address }),
    platforms: [thisPlatform],
    registries: { [LOCAL_REGISTRY]: address },
  });
}

/** Marks that main has had an image that this machine built. */
const STATE_FILE = 'first-image.json';

/**
 * Gives the service its first image: that of the clone's image file is in no registry here. Later ones stay as they were
 * shipped, the bad ones too.
 * @returns the image and the commit that names it; undefined when there was one already
 */
export async function ensureFirstImage(
  instance: Instance,
  tools: Tools,
  ports: Ports,
): Promise<{ image: ServiceImage; publication: Publication } | undefined> {
  const images = await tagsOf(registryAddress(ports), SERVICE_IMAGE);
  if (images.length > 0 && readState(instance, STATE_FILE) !== undefined) return undefined;
  const image = await buildLocalImage(instance, tools, ports);
  const { tag, digest } = image;
  const publication = await publishImage(instance, repositoryURL(ports.git), SERVICE_IMAGE, { tag, digest });
  writeState(instance, STATE_FILE, { tag, digest });
  return { image, publication };
}
