import { command } from '@gitops/report/command-line';
import { text } from '@gitops/report/options';
import { progressTo } from '@gitops/report/progress';
import { applicationsTable } from '../applications.ts';
import { BUILT } from '../argocd-program.ts';
import { readTargets, serviceAddresses } from '../front-door.ts';
import { type Instance, openInstance } from '../instance.ts';
import { withLock } from '../lock.ts';
import { rememberedPorts } from '../ports.ts';
import { readStatus } from '../status.ts';
import { up } from '../up.ts';

const NEXT_STEPS = [
  "Next:  make ship TAG=0.2.0                     CI's part: one commit with a new image tag, deployed by Argo CD",
  '       make rollback APP=fastify-service       ' +
    "on-call's part: back to the previous version; it stays until `make resume`",
  "       edit clusters/local/fastify-service.yaml, then make deploy     the platform team's part, as a merge would",
].join('\n');

async function addressesOf(instance: Instance): Promise<string[]> {
  const ports = rememberedPorts(instance);
  const targets = ports === undefined ? undefined : await readTargets(ports);
  return ports === undefined || targets === undefined ? [] : serviceAddresses(targets, ports);
}

export default command({
  summary: 'start everything that is not running',
  options: {
    argocd: text(`the program of a release of Argo CD, which has web pages; ${BUILT} is the one that is built here`, {
      placeholder: 'PATH',
    }),
  },
  run: async ({ options: { argocd }, json, print }) => {
    const instance = openInstance();
    const applications = await withLock(instance, 'up', async () => up(instance, progressTo(), { argocd }));
    if (json) {
      print(JSON.stringify((await readStatus(instance)).status));
      return;
    }
    const byName = [...applications].sort((a, b) => a.metadata.name.localeCompare(b.metadata.name));
    print(`\n${applicationsTable(byName)}\n\n${NEXT_STEPS}`);
    for (const address of await addressesOf(instance)) print(`\nThe service answers at ${address}`);
  },
});
