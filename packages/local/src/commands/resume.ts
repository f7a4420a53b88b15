import { command } from '@gitops/report/command-line';
import { flag } from '@gitops/report/options';
import { connectAs } from '../accounts.ts';
import { applicationsTable } from '../applications.ts';
import { findApplication } from '../await-applications.ts';
import { awaitLoadBalancer, describeEnd } from '../await-load-balancer.ts';
import { frozenApplications, frozenInWords } from '../freezes.ts';
import { describePreview, previewOf } from '../held-back.ts';
import { openInstance } from '../instance.ts';
import { resume } from '../rollback.ts';
import { requiredAppOption, runningPorts } from './running.ts';

export default command({
  summary: 'show what main has for APP, then hand it back to Git: auto-sync on, main is deployed',
  options: { app: requiredAppOption, dry: flag('only show what would be deployed') },
  run: async ({ options: { app, dry }, json, print }) => {
    const start = Date.now();
    const instance = openInstance();
    const ports = runningPorts(instance);
    const client = connectAs(instance, ports, 'on-call');
    const preview = await previewOf(instance, client, await findApplication(client, app));
    if (preview !== undefined && !json) print(`${describePreview(app, preview)}\n`);
    if (dry) {
      print(json ? JSON.stringify({ name: app, ...preview }) : 'Nothing was changed.');
      return;
    }
    const application = await resume(client, app);
    const loadBalancer = await awaitLoadBalancer(instance, ports);
    const { revision } = application.status?.sync ?? {};
    if (json) {
      const problems = loadBalancer.problem === undefined ? [] : [loadBalancer.problem];
      print(JSON.stringify({ name: app, revision, problems }));
      return;
    }
    print(`${app} follows Git again:\n\n${applicationsTable([application])}`);
    const freeze = (await frozenApplications(client, [application])).get(app);
    if (freeze !== undefined) print(await frozenInWords(app, freeze));
    for (const line of describeEnd(loadBalancer, start)) print(line);
  },
});
