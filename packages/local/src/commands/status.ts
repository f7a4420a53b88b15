import { command } from '@gitops/report/command-line';
import { openInstance } from '../instance.ts';
import { printStatus, readStatus } from '../status.ts';

export default command({
  summary: 'show Applications and what is wrong with them, processes, addresses, accounts',
  options: {},
  without: { app: 'it always shows every Application' },
  run: async ({ json, print, fail }) => {
    const { status, applications } = await readStatus(openInstance());
    print(json ? JSON.stringify(status) : printStatus(status, applications));
    if (status.unreachable !== undefined || status.processes.some(({ pid }) => pid === undefined)) fail();
  },
});
