import { command } from '@gitops/report/command-line';
import { onCallPassword } from '../accounts.ts';
import { openInstance } from '../instance.ts';
import { printStatus, readStatus } from '../status.ts';

export default command({
  summary: 'show Applications and what is wrong with them, pods, processes, addresses, accounts',
  options: {},
  without: { app: 'it always shows every Application' },
  run: async ({ json, print, fail }) => {
    const instance = openInstance();
    const { status, applications } = await readStatus(instance);
    print(json ? JSON.stringify(status) : printStatus(status, applications, onCallPassword(instance)));
    if (status.unreachable !== undefined || status.processes.some(({ pid }) => pid === undefined)) fail();
  },
});
