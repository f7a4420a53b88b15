// Writes the README of a chart of the repository that it is called in: node
// packages/manifests/src/write-chart-readme.ts [charts/fastify-service]
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryAbove } from '../render/repository.ts';
import { chartReadme } from './chart-readme.ts';

const root = repositoryAbove(process.cwd());
const [chart = 'charts/fastify-service'] = process.argv.slice(2);
writeFileSync(join(root, chart, 'README.md'), chartReadme(root, chart));
