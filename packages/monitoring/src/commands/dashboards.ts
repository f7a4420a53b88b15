import { resolve } from 'node:path';
import { command } from '@gitops/report/command-line';
import { writeDashboards } from '../files.ts';

export default command({
  summary: 'write the dashboards of src/dashboards/ as the JSON that Grafana reads',
  options: {},
  run: ({ json, print }) => {
    const files = writeDashboards(resolve(import.meta.dirname, '../../../..'));
    print(json ? JSON.stringify({ files }) : files.join('\n'));
    return Promise.resolve();
  },
});
