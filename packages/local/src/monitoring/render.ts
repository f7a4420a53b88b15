import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { gitIn } from '@gitops/delivery/git';
import type { KubernetesObject } from '@gitops/manifests/object';
import { type Application, type Outcome, startRenderer } from '@gitops/manifests/renderer';
import { CommandError } from '@gitops/report/errors';
import { clusterFacts, clusterSecret, readCluster } from '@gitops/settings';
import { KUBERNETES_VERSION, type Tools } from '@gitops/tools/tools';
import type { Instance } from '../instance.ts';
import type { Ports } from '../ports.ts';
import { publishedCommit, repositoryURL, servedRepository } from '../repository.ts';

const APPLICATION_SET = 'argocd/applications/monitoring.yaml';

/** What Argo CD would apply of charts/monitoring, and of which commit. */
export interface RenderedMonitoring {
  readonly revision: string;
  readonly objects: readonly KubernetesObject[];
}

/**
 * Renders charts/monitoring for this cluster at the commit that is deployed: by its own ApplicationSet, so with the
 * values and facts that it has in any cluster. The ApplicationSet takes clusters that run kube-prometheus-stack, which
 * this one does not, so it is told otherwise.
 * Throws CommandError where the commit has no such chart or it does not render.
 */
export async function renderMonitoring(instance: Instance, tools: Tools, ports: Ports): Promise<RenderedMonitoring> {
  const revision = await publishedCommit(instance);
  if (revision === undefined) throw new CommandError('nothing was deployed yet', 'run `make up`');
  const folder = mkdtempSync(join(tmpdir(), 'monitoring-'));
  const renderer = startRenderer(tools);
  try {
    const git = gitIn(servedRepository(instance), folder);
    await git(['checkout', '--force', revision, '--', '.'], { index: join(folder, '.index') });
    const file = join(folder, APPLICATION_SET);
    if (!existsSync(file))
      throw new CommandError(
        `the deployed commit ${revision.slice(0, 7)} has no ${APPLICATION_SET}`,
        '`make deploy` publishes the work tree',
      );
    const facts = clusterFacts(readCluster(folder, instance.cluster), { repoURL: repositoryURL(ports.git) });
    const secret = clusterSecret({ ...facts, labels: { ...facts.labels, 'kube-prometheus-stack': 'enabled' } });
    const applicationSet = parse(readFileSync(file, 'utf8')) as KubernetesObject;
    const [application] = valueOf(await renderer.generate([{ applicationSet, secrets: [secret] }]), APPLICATION_SET);
    if (application === undefined)
      throw new CommandError(
        `${APPLICATION_SET} generates no Application for clusters/${instance.cluster}`,
        'it must match a cluster with the label kube-prometheus-stack: enabled',
      );
    const request = {
      application: { ...application, apiVersion: 'argoproj.io/v1alpha1', kind: 'Application' } satisfies Application,
      kubeVersion: KUBERNETES_VERSION,
      apiVersions: [],
    };
    return { revision, objects: valueOf(await renderer.render(folder, [request]), 'charts/monitoring') };
  } finally {
    await renderer.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function valueOf<T>([outcome]: readonly Outcome<T>[], file: string): T {
  if (outcome?.ok === true) return outcome.value;
  throw new CommandError(
    `${file} does not render: ${outcome?.error ?? 'no answer'}`,
    '`make check` says what is wrong; then run `make deploy` and `make monitoring` again',
  );
}
