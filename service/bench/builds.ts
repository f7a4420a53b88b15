import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build, type BuildOptions } from 'esbuild';

/** What the benchmarks start: arguments of node. */
export interface Builds {
  /** The service as it ships: its bundle, with the flags of its start script. */
  readonly ours: readonly string[];
  /** The same with the heap that the start script gives it in a container of 256 MiB. */
  readonly oursInContainer: readonly string[];
  /** Bare Fastify as people start it: JavaScript, with its packages in node_modules. */
  readonly bare: readonly string[];
  /** Bare Fastify, bundled as the service is. */
  readonly bareBundle: readonly string[];
  readonly remove: () => void;
}

const SERVICE = resolve(import.meta.dirname, '..');

/** Bundles the service and bare Fastify into a folder of their own, so that a build meanwhile changes nothing. */
export async function createBuilds(): Promise<Builds> {
  const folder = mkdtempSync(join(tmpdir(), 'service-bench-'));
  execFileSync(process.execPath, ['build.ts'], { cwd: SERVICE, stdio: ['ignore', 'ignore', 'inherit'] });
  cpSync(join(SERVICE, 'dist'), join(folder, 'ours'), { recursive: true });
  // As service/build.ts has it.
  const settings: BuildOptions = {
    entryPoints: [server('bare')],
    bundle: true,
    platform: 'node',
    target: 'node26',
    format: 'esm',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
  };
  await build({
    ...settings,
    outfile: join(folder, 'bare.mjs'),
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
  });
  // Where its imports find the packages.
  const bare = join(SERVICE, 'node_modules', `.bench-${process.pid}.mjs`);
  await build({ ...settings, outfile: bare, packages: 'external' });
  const main = join(folder, 'ours/main.js');
  const flags = startFlags();
  const heap = '--max-old-space-size-percentage=';
  const percentage = Number(flags.find((flag) => flag.startsWith(heap))?.slice(heap.length));
  return {
    ours: [...flags, main],
    oursInContainer: [
      ...flags.filter((flag) => !flag.startsWith(heap)),
      `--max-old-space-size=${Math.floor((256 * percentage) / 100)}`,
      main,
    ],
    bare: [bare],
    bareBundle: [join(folder, 'bare.mjs')],
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
      rmSync(bare, { force: true });
    },
  };
}

/** The file of a server of the comparison. */
export function server(name: 'bare' | 'stock' | 'express' | 'hono'): string {
  return join(import.meta.dirname, `servers/${name}.ts`);
}

/** The flags that the start script gives to node. */
function startFlags(): string[] {
  const { scripts } = JSON.parse(readFileSync(join(SERVICE, 'package.json'), 'utf8')) as { scripts: { start: string } };
  return scripts.start.split(' ').filter((word) => word.startsWith('--'));
}
