import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { assemble } from './assemble.ts';
import { digestOf } from './registry.ts';

/** The architectures that Node.js and images name differently. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64' };

/** The platform that containers of this machine have. */
export const thisPlatform = `linux/${ARCHITECTURES[process.arch] ?? process.arch}`;

/**
 * A base image for this machine: the workspace's own Node.js where the distroless image has it. Made once for each
 * version of Node.js, and found in the registry after that.
 * @param registry its name in the image's reference, and its address
 * @param platforms those that it says it is for; that of this machine is the only one where it runs
 * @returns name@digest
 * Throws CommandError as `assemble` does.
 */
export async function ensureNodeBase(
  root: string,
  bin: string,
  registry: { readonly name: string; readonly address: string },
  platforms: readonly string[] = [thisPlatform],
): Promise<string> {
  const { resolve } = createRequire(join(root, 'package.json'));
  const { version } = createRequire(join(root, 'package.json'))('node/package.json') as { version: string };
  const name = `${registry.name}/node`;
  const tag = platforms.length === 1 ? version : `${version}-${platforms.length}-platforms`;
  const digest = await digestOf(registry.address, 'node', tag);
  if (digest !== undefined) return `${name}@${digest}`;
  const program = realpathSync(resolve('node/bin/node'));
  const pushed = await assemble(bin, {
    name,
    tag,
    platforms,
    // 120 MB, of which compression would save half in five seconds; the registry is on this machine.
    layers: [{ from: program, to: '/nodejs/bin/node', uncompressed: true }],
    config: {},
    created: '1970-01-01T00:00:00Z',
    registries: { [registry.name]: registry.address },
  });
  return `${name}@${pushed.digest}`;
}
