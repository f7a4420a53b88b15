// Writes the README of a chart: node packages/delivery/src/write-chart-readme.ts [charts/fastify-service]
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { chartReadme } from './chart-readme.ts';

const root = resolve(import.meta.dirname, '../../..');
const [chart = 'charts/fastify-service'] = process.argv.slice(2);
writeFileSync(join(root, chart, 'README.md'), chartReadme(root, chart));
