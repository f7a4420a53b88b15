import { command } from '@gitops/report/command-line';
import { progressTo } from '@gitops/report/progress';
import { shortImage } from '../applications.ts';
import { openInstance } from '../instance.ts';
import { publishWorkTree, repositoryURL } from '../repository.ts';
import { buildFirstImages } from '../service-image.ts';
import { reportDelivery, reportRefresh } from './report-delivery.ts';
import { runningPorts } from './running.ts';

export default command({
  summary: 'publish the work tree to the local main, as a merge would, and wait',
  options: {},
  without: { app: 'it publishes the whole work tree' },
  run: async ({ json, print }) => {
    const start = Date.now();
    const instance = openInstance();
    const ports = runningPorts(instance);
    const first = await buildFirstImages(instance, ports);
    const progress = progressTo();
    for (const { reference } of first.values()) progress.done(`image ${shortImage(reference)}`);
    const publication = await publishWorkTree(instance, repositoryURL(ports.git), first);
    try {
      await reportDelivery(instance, ports, publication, { start, json, print });
    } finally {
      await reportRefresh(instance, ports, json ? undefined : print);
    }
  },
});
