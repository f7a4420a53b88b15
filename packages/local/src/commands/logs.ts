import { command } from '@gitops/report/command-line';
import { openInstance } from '../instance.ts';
import { followLogs } from '../logs.ts';
import { runningPorts } from './running.ts';

export default command({
  summary: 'follow the logs of every process',
  options: {},
  without: { app: 'it always follows every process' },
  run: async () => {
    const instance = openInstance();
    await followLogs(instance, runningPorts(instance));
  },
});
