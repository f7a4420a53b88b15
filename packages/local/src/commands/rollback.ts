import { command } from '@gitops/report/command-line';
import { integer } from '@gitops/report/options';
import { elapsed } from '@gitops/report/progress';
import { connectAs } from '../accounts.ts';
import { applicationsTable, entryRevision } from '../applications.ts';
import { awaitLoadBalancer, describeEnd } from '../await-load-balancer.ts';
import { openInstance } from '../instance.ts';
import { rollback } from '../rollback.ts';
import { requiredAppOption, runningPorts } from './running.ts';

export default command({
  summary: 'as on-call: auto-sync off for APP, then back to history ID (default: the previous version)',
  options: {
    app: requiredAppOption,
    id: integer('the ID of a history entry, as `argocd app history` shows it'),
  },
  run: async ({ options: { app, id }, json, print }) => {
    const instance = openInstance();
    const ports = runningPorts(instance);
    const start = Date.now();
    const { application, target } = await rollback(connectAs(instance, ports, 'on-call'), app, id);
    const revision = entryRevision(target);
    const took = elapsed(Date.now() - start);
    const loadBalancer = await awaitLoadBalancer(instance, ports);
    const ends = describeEnd(loadBalancer, start);
    const problems = loadBalancer.problem === undefined ? [] : [loadBalancer.problem];
    if (json) {
      print(JSON.stringify({ name: app, id: target.id, revision, problems }));
      return;
    }
    print(
      `${app} runs history ${target.id} (${revision.slice(0, 7)}) again after ${took}. Auto-sync is off, so it stays:\n`,
    );
    print([applicationsTable([application]), ...ends, ''].join('\n'));
    print(`\`make resume APP=${app}\` hands it back to Git.`);
  },
});
