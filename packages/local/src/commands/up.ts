import { command } from '@gitops/report/command-line';
import { text } from '@gitops/report/options';
import { progressTo } from '@gitops/report/progress';
import { applicationsTable } from '../applications.ts';
import { BUILT } from '../argocd-program.ts';
import { hasProcess, readTargets, serviceAddresses } from '../front-door.ts';
import { type Instance, openInstance } from '../instance.ts';
import { withLock } from '../lock.ts';
import { rememberedPorts } from '../ports.ts';
import { readStatus } from '../status.ts';
import { up } from '../up.ts';

const NEXT_STEPS = [
  'Next:  change a line in service/src, then make ship',
  "           CI's part: build the image, commit its tag and digest; Argo CD deploys it",
  '       make rollback APP=fastify-service',
  "           on-call's part: back to the previous version; it stays until `make resume`",
  '       edit clusters/local/fastify-service.yaml, then make deploy',
  "           the platform team's part, as a merge would",
].join('\n');

/** Where the services answer, a line each; none while the front door does not know. */
async function serviceLines(instance: Instance): Promise<string[]> {
  const ports = rememberedPorts(instance);
  const targets = ports === undefined ? undefined : await readTargets(ports);
  if (ports === undefined || targets === undefined) return [];
  const lines: string[] = [];
  for (const address of serviceAddresses(targets, ports))
    lines.push(
      hasProcess(targets) ? `The service answers at ${address}` : `All pods are simulated: ${address} answers 503`,
    );
  return lines;
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
    for (const line of await serviceLines(instance)) print(`\n${line}`);
  },
});
