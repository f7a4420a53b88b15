// Bundles a service into dist/: main.js and the two files of its documentation page. That folder is what the image
// holds and what tests and benchmarks run.
// Usage: node build.ts [FOLDER]   (another folder than dist/, which must be empty)
// SERVICE is the folder of the service, from the repository's root; this one by default. VERSION and COMMIT go into the
// metric service_build_info.
import { cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

const { VERSION: version = 'source', COMMIT: commit = 'unknown', SERVICE: service = 'service' } = process.env;
const dist = join(import.meta.dirname, 'dist');
const [, , folder] = process.argv;
// Built in a temporary folder and moved into place at the end, so that a running service does not lose its files meanwhile.
const made = folder ?? join(import.meta.dirname, 'node_modules', `.dist-${process.pid}`);

await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: [join('..', service, 'src/main.ts')],
  outfile: join(made, 'main.js'),
  bundle: true,
  platform: 'node',
  target: 'node26',
  format: 'esm',
  // Half as many bytes to read at each start; names stay, for the stacks in the log.
  minifySyntax: true,
  minifyWhitespace: true,
  lineLimit: 160,
  legalComments: 'none',
  // Packages in CommonJS call require for Node's own modules.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
  define: { BUILD_INFO: JSON.stringify({ version, commit }) },
  // Optional dependencies, which are not installed.
  external: ['@platformatic/prom-client'],
});

// Without it Node reads the bundle twice, to find out which kind of module it is.
writeFileSync(join(made, 'package.json'), '{ "type": "module" }\n');

const reader = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
const target = join(made, 'node_modules/swagger-ui-dist');
mkdirSync(target, { recursive: true });
for (const file of ['package.json', 'LICENSE', 'NOTICE', 'swagger-ui-bundle.js', 'swagger-ui.css'])
  cpSync(join(reader, file), join(target, file));

if (folder === undefined) {
  rmSync(dist, { recursive: true, force: true });
  renameSync(made, dist);
}
