import { command } from '@gitops/report/command-line';
import { text } from '@gitops/report/options';
import { progressTo } from '@gitops/report/progress';
import { applicationsTable } from '../applications.ts';
import { readBackup } from '../backup.ts';
import { openInstance } from '../instance.ts';
import { withLock } from '../lock.ts';
import { up } from '../up.ts';

export default command({
  summary: "start everything with Argo CD's state of a backup",
  options: { from: text('a file that `make backup` wrote', { placeholder: 'FILE', isRequired: true }) },
  run: async ({ options: { from }, json, print }) => {
    const instance = openInstance();
    const backup = readBackup(from);
    const applications = await withLock(instance, 'restore', async () =>
      up(instance, progressTo(), { argocd: undefined, backup }),
    );
    if (json) print(JSON.stringify({ applications: applications.map(({ metadata }) => metadata.name) }));
    else print(applicationsTable(applications));
  },
});
