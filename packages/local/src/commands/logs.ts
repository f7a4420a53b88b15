import { command } from '@gitops/report/command-line';
import { progressTo } from '@gitops/report/progress';
import { ensureTools } from '@gitops/tools/tools';
import { openInstance } from '../instance.ts';
import { followLogs, followPods } from '../logs.ts';
import { appOption, runningPorts } from './running.ts';

export default command({
  summary: 'follow the logs of every process, or those of the pods of APP',
  options: { app: { ...appOption, summary: 'an Application, whose pods are followed instead' } },
  run: async ({ options: { app } }) => {
    const instance = openInstance();
    const ports = runningPorts(instance);
    if (app === undefined) {
      await followLogs(instance, ports);
      return;
    }
    const tools = await ensureTools({ ...progressTo(), note: () => undefined }, { verify: false });
    await followPods(instance, tools, ports, app);
  },
});
