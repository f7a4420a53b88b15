import { command } from '@gitops/report/command-line';
import { progressTo } from '@gitops/report/progress';
import { ensureTools } from '@gitops/tools/tools';
import { backUp } from '../backup.ts';
import { openInstance } from '../instance.ts';
import { runningPorts } from './running.ts';

export default command({
  summary: "write Argo CD's state to a file: Applications with their history, projects, settings, secrets",
  options: {},
  run: async ({ json, print }) => {
    const instance = openInstance();
    runningPorts(instance);
    const tools = await ensureTools(progressTo(), { verify: false });
    const backup = await backUp(instance, tools);
    if (json) {
      print(JSON.stringify(backup));
      return;
    }
    print(`${backup.file}: ${backup.applications.length} Applications (${backup.applications.join(', ')})`);
    print('It holds secrets. `make restore FROM=…` puts it into this cluster, or into a new one.');
  },
});
