import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { command } from '@gitops/report/command-line';
import { CommandError } from '@gitops/report/errors';
import { pnpmOfService, root } from '../pnpm.ts';

const FILE = resolve(root, '.local/sbom.cdx.json');

export default command({
  summary: "write the bill of materials of the service's npm packages, in CycloneDX's format",
  options: {},
  run: async ({ json, print }) => {
    mkdirSync(dirname(FILE), { recursive: true });
    const { code, stderr } = pnpmOfService(
      'sbom',
      ...['--lockfile-only', '--sbom-format', 'cyclonedx', '--sbom-spec-version', '1.6', '--sbom-type', 'application'],
      ...['--out', FILE],
    );
    if (code !== 0) throw new CommandError(`pnpm wrote no bill of materials: ${stderr.trim()}`, 'run `make install`');
    const { components } = JSON.parse(readFileSync(FILE, 'utf8')) as { components: unknown[] };
    const result = { file: relative(root, FILE), components: components.length };
    print(json ? JSON.stringify(result) : `${result.file}: ${result.components} components`);
    return Promise.resolve();
  },
});
