import { command } from '@gitops/report/command-line';
import { progressTo } from '@gitops/report/progress';
import { ensureCharts } from '@gitops/tools/charts';
import { ensureSchemas } from '@gitops/tools/schemas';
import { ALL_BUILDS, ensureTools } from '@gitops/tools/tools';
import { openInstance } from '../instance.ts';

export default command({
  summary:
    'build missing programs, verify the others, fetch schemas and upstream charts; print the folder of the programs',
  options: {},
  run: async ({ json, print }) => {
    const progress = progressTo();
    const { bin, checksums } = await ensureTools(progress, { verify: true, builds: ALL_BUILDS });
    await ensureSchemas(progress);
    await ensureCharts(openInstance().root, `${bin}/helm`, progress);
    print(json ? JSON.stringify({ bin, checksums }) : bin);
  },
});
