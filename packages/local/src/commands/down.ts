import { command } from '@gitops/report/command-line';
import { progressTo } from '@gitops/report/progress';
import { down } from '../down.ts';
import { openInstance } from '../instance.ts';
import { withLock } from '../lock.ts';

export default command({
  summary: 'stop every process; the state stays for the next up',
  options: {},
  run: async ({ json, print }) => {
    const instance = openInstance();
    await withLock(instance, 'down', async () => down(instance, progressTo()));
    print(json ? '{}' : 'Nothing is running. `make up` starts it again; `rm -rf .local` deletes its state.');
  },
});
