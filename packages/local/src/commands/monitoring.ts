import { command } from '@gitops/report/command-line';
import { progressTo } from '@gitops/report/progress';
import { openInstance } from '../instance.ts';
import { withLock } from '../lock.ts';
import { readMonitoring } from '../monitoring/alerts.ts';
import { startMonitoring } from '../monitoring/monitoring.ts';
import { monitoringLines } from '../status.ts';
import { runningPorts } from './running.ts';

export default command({
  summary:
    'start Prometheus and Alertmanager with the rules and routes of the deployed commit, or give them to those that run',
  options: {},
  run: async ({ json, print }) => {
    const instance = openInstance();
    const ports = runningPorts(instance);
    await withLock(instance, 'monitoring', async () => startMonitoring(instance, ports, progressTo()));
    const status = await readMonitoring(instance, ports);
    print(json ? JSON.stringify(status) : monitoringLines(status).join('\n'));
  },
});
