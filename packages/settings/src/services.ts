import { globSync } from 'node:fs';

/** The service that the repository began with: its code is in service/, its previews are those of pull requests. */
export const FIRST_SERVICE = 'fastify-service';

/** The digest in the image file of a service that was never released: no image has it. */
export const UNRELEASED = `sha256:${'0'.repeat(64)}`;

/** The folder of a service's code, from the repository's root. */
export const serviceFolder = (name: string): string => (name === FIRST_SERVICE ? 'service' : `services/${name}`);

/**
 * The services of the repository, sorted by name: every application whose image CI writes for some cluster.
 * @param root the repository's folder
 */
export function serviceNames(root: string): string[] {
  const names = new Set<string>();
  for (const file of globSync('clusters/*/*.image.yaml', { cwd: root }))
    names.add(
      file
        .split('/')
        .at(-1)
        ?.replace(/\.image\.yaml$/, '') ?? '',
    );
  return [...names].sort();
}
