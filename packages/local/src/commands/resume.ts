import { command } from '@gitops/report/command-line';
import { connectAs } from '../accounts.ts';
import { applicationsTable } from '../applications.ts';
import { openInstance } from '../instance.ts';
import { resume } from '../rollback.ts';
import { requiredAppOption, runningPorts } from './running.ts';

export default command({
  summary: 'hand APP back to Git: auto-sync on, main is deployed',
  options: { app: requiredAppOption },
  run: async ({ options: { app }, json, print }) => {
    const instance = openInstance();
    const application = await resume(connectAs(instance, runningPorts(instance), 'oncall'), app);
    const { revision } = application.status?.sync ?? {};
    print(
      json
        ? JSON.stringify({ name: app, revision })
        : `${app} follows Git again:\n\n${applicationsTable([application])}`,
    );
  },
});
