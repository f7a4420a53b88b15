import { command } from '@gitops/report/command-line';
import { progressTo } from '@gitops/report/progress';
import { ensureTools } from '@gitops/tools/tools';
import { onCallPassword, storedToken } from '../accounts.ts';
import { readTargets, serviceAddresses } from '../front-door.ts';
import { openInstance } from '../instance.ts';
import { kubeconfigPath } from '../kubectl.ts';
import { repositoryURL } from '../repository.ts';
import { runningPorts } from './running.ts';

export default command({
  summary: 'print shell exports for kubectl, helm, argocd and git: eval "$(make env)"',
  options: {},
  run: async ({ json, print }) => {
    const instance = openInstance();
    const ports = runningPorts(instance);
    const { bin } = await ensureTools({ ...progressTo(), note: () => undefined }, { verify: false });
    const targets = await readTargets(ports);
    const [service] = targets === undefined ? [] : serviceAddresses(targets, ports);
    const variables = {
      KUBECONFIG: kubeconfigPath(instance),
      ARGOCD_SERVER: `127.0.0.1:${ports.server}`,
      ARGOCD_AUTH_TOKEN: storedToken(instance, 'platform'),
      ARGOCD_OPTS: '--plaintext',
      ARGOCD_ONCALL_PASSWORD: onCallPassword(instance) ?? '',
      LOCAL_GIT_URL: repositoryURL(ports.git),
      SERVICE_URL: service ?? '',
    };
    if (json) {
      print(JSON.stringify({ ...variables, PATH: bin }));
      return;
    }
    for (const [name, value] of Object.entries(variables)) print(`export ${name}=${quote(value)}`);
    print(`export PATH=${quote(bin)}:"$PATH"`);
  },
});

const quote = (value: string): string => `'${value.replaceAll("'", String.raw`'\''`)}'`;
