import { awaitApplications, comparedRevision, processes } from '@gitops/local';
import { type Measure, summary } from '@gitops/report/measure';
import { Stack, until } from '../src/stack.ts';
import { instance, progress, timed } from './bench.ts';

const COUNT = 500;
const NAME = 'scale';
const PUSHES = 10;

/** Where Argo CD's controller answers how its Applications are: cheaper to read again and again than 500 Applications. */
const SETTLED = /^argocd_app_info\{.*health_status="Healthy".*name="scale-\d+".*sync_status="Synced".* 1$/gm;

const fileOf = (number: number): string => `${NAME}/values/${number}.yaml`;

/** A chart of one ConfigMap, and a values file for each Application. */
function files(): Record<string, () => string> {
  const all: Record<string, () => string> = {
    [`${NAME}/chart/Chart.yaml`]: () => `apiVersion: v2\nname: ${NAME}\nversion: 0.1.0\n`,
    [`${NAME}/chart/templates/configmap.yaml`]: () =>
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: "{{ .Release.Name }}" }\ndata: { value: "{{ .Values.value }}" }\n',
  };
  for (let number = 1; number <= COUNT; number += 1) all[fileOf(number)] = () => 'value: first\n';
  return all;
}

/** What makes 500 Applications, as the ApplicationSets in argocd/applications/ make theirs. */
function objects(repoURL: string): object[] {
  const metadata = { name: NAME, namespace: 'argocd' };
  const destination = { server: 'https://kubernetes.default.svc', namespace: NAME };
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAME } },
    {
      ...{ apiVersion: 'argoproj.io/v1alpha1', kind: 'AppProject', metadata },
      spec: {
        sourceRepos: [repoURL],
        destinations: [destination],
        namespaceResourceWhitelist: [{ group: '', kind: 'ConfigMap' }],
      },
    },
    {
      ...{ apiVersion: 'argoproj.io/v1alpha1', kind: 'ApplicationSet', metadata },
      spec: {
        goTemplate: true,
        goTemplateOptions: ['missingkey=error'],
        generators: [{ list: { elements: Array.from({ length: COUNT }, (_, index) => ({ number: `${index + 1}` })) } }],
        syncPolicy: { applicationsSync: 'create-update' },
        ignoreApplicationDifferences: [{ jsonPointers: ['/spec/syncPolicy/automated/enabled'] }],
        template: {
          metadata: {
            name: `${NAME}-{{ .number }}`,
            annotations: {
              'argocd.argoproj.io/manifest-generate-paths': `/${NAME}/chart;/${fileOf(0).replace('0', '{{ .number }}')}`,
            },
          },
          spec: {
            project: NAME,
            destination,
            source: {
              ...{ repoURL, targetRevision: 'main', path: `${NAME}/chart` },
              helm: { valueFiles: [`/${fileOf(0).replace('0', '{{ .number }}')}`] },
            },
            syncPolicy: {
              automated: { prune: true, selfHeal: true },
              syncOptions: ['ApplyOutOfSyncOnly=true', 'ServerSideApply=true', 'Validate=false'],
            },
          },
        },
      },
    },
  ];
}

/** 500 Applications from one ApplicationSet: from nothing, and a push to one of them. */
export async function measureScale(): Promise<Measure[]> {
  const stack = await Stack.open(instance.dir);
  await stack.push(`${COUNT} Applications`, files());
  const settled = async (): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${stack.ports['application-controller-metrics']}/metrics`);
    return ((await response.text()).match(SETTLED) ?? []).length;
  };
  let last = 0;
  const fromEmpty = await timed(async () => {
    await stack.applyPastGit(objects(stack.gitURL));
    await until(
      `${COUNT} Applications Synced and Healthy`,
      async () => {
        const now = await settled();
        if (now - last >= COUNT / 10 || now === COUNT) progress.detail(`${now} of ${COUNT} Applications`);
        if (now - last >= COUNT / 10) last = now;
        return now === COUNT ? true : undefined;
      },
      1_200_000,
      1000,
    );
  });
  const pushes: number[] = [];
  for (let round = 1; round <= PUSHES; round += 1) pushes.push(await pushTo(stack, (round * COUNT) / PUSHES, round));
  const memory = processes(stack.instance, stack.ports).filter(({ name }) => /^argocd-|^redis$/.test(name));
  progress.done('scale');
  return [
    summary(`${COUNT} Applications from nothing to Synced and Healthy`, 's', [fromEmpty], { atMost: 120_000 }),
    summary('push to one of them → Synced and Healthy', 's', pushes, { atMost: 2000 }),
    ...memory.map((process) => summary(`memory of ${process.name} with them`, 'MB', [process.memory / 1e6])),
    summary('memory of Argo CD with them', 'MB', [memory.reduce((sum, process) => sum + process.memory, 0) / 1e6]),
  ];
}

/** From the push of a change of one Application until it is Synced and Healthy. */
async function pushTo(stack: Stack, number: number, round: number): Promise<number> {
  const listening = Promise.withResolvers<null>();
  const pushed = Promise.withResolvers<string>();
  const healthy = awaitApplications(stack.platform, 120_000, `push ${round}`, async (applications) => {
    const application = applications.get(`${NAME}-${number}`);
    if (application === undefined) return undefined;
    listening.resolve(null);
    const commit = await pushed.promise;
    return comparedRevision(application) === commit &&
      application.status?.sync?.status === 'Synced' &&
      application.status.health?.status === 'Healthy'
      ? performance.now()
      : undefined;
  });
  await listening.promise;
  const { commit, pushedAt } = await stack.push(`Round ${round}`, { [fileOf(number)]: () => `value: ${round}\n` });
  pushed.resolve(commit);
  return (await healthy) - pushedAt;
}
