import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { parse, stringify } from 'yaml';
import { progressTo } from '@gitops/report/progress';
import { ensureTools } from '@gitops/tools/tools';
import { groupOf, type KubernetesObject } from '../../src/kubernetes/object.ts';
import { renderFleet } from '../../src/render/fleet.ts';
import { renderedOnly } from '../../src/render/rendered.ts';
import { lacksCharts, open, root } from '../helper.ts';

// Which kinds count in an Application's health, as Argo CD itself says with the settings of argocd/values.yaml.

/** The kinds that Argo CD has no check for: once they are applied, they count as healthy. */
const WITHOUT_CHECK: Readonly<Record<string, readonly string[]>> = {
  'no controller acts on it; it is read as it is': [
    'ConfigMap',
    'Secret',
    'ServiceAccount',
    'LimitRange',
    'Role.rbac.authorization.k8s.io',
    'RoleBinding.rbac.authorization.k8s.io',
    'ClusterRole.rbac.authorization.k8s.io',
    'ClusterRoleBinding.rbac.authorization.k8s.io',
    'IngressClass.networking.k8s.io',
    'IngressClassParams.elbv2.k8s.aws',
    'PriorityClass.scheduling.k8s.io',
    'StorageClass.storage.k8s.io',
    'AppProject.argoproj.io',
    'MutatingWebhookConfiguration.admissionregistration.k8s.io',
    'ValidatingWebhookConfiguration.admissionregistration.k8s.io',
    'ValidatingAdmissionPolicy.admissionregistration.k8s.io',
    'ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io',
    'MutatingAdmissionPolicy.admissionregistration.k8s.io',
    'MutatingAdmissionPolicyBinding.admissionregistration.k8s.io',
  ],
  'its status says nothing of what it does': [
    'Namespace',
    'ResourceQuota',
    'NetworkPolicy.networking.k8s.io',
    'PrometheusRule.monitoring.coreos.com',
    'ServiceMonitor.monitoring.coreos.com',
    'PodMonitor.monitoring.coreos.com',
  ],
};

const { bin } = await ensureTools({ ...progressTo(), note: () => undefined }, { verify: false });
const { renderer, proofsOf } = await open(t);
const fleet = renderedOnly(await renderFleet(renderer, root, { capabilities: proofsOf(root).capabilities }));

const folder = mkdtempSync(join(tmpdir(), 'health-'));
t.teardown(() => {
  rmSync(folder, { recursive: true });
});
const { configs } = parse(readFileSync(join(root, 'argocd/values.yaml'), 'utf8')) as {
  configs: { cm: Readonly<Record<string, string>> };
};
const settings = join(folder, 'argocd-cm.yaml');
const labels = { 'app.kubernetes.io/part-of': 'argocd' };
const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'argocd-cm', labels }, data: configs.cm };
writeFileSync(settings, stringify(configMap));

/** What the command `argocd` says of an object's health. */
async function askArgo(object: KubernetesObject): Promise<string> {
  const file = join(folder, `${object.kind}.${groupOf(object)}.yaml`);
  writeFileSync(file, stringify(object));
  const args = ['admin', 'settings', 'resource-overrides', 'health', file, '--argocd-cm-path', settings];
  const env = { ARGOCD_BINARY_NAME: 'argocd', HOME: folder };
  return new Promise((done) => {
    execFile(join(bin, 'argocd'), args, { env }, (_, stdout, stderr) => {
      done(stdout + stderr);
    });
  });
}

t.test('every kind that we render has a health check, or a reason for none', { timeout: 120_000 }, async (t) => {
  const kinds = new Map<string, KubernetesObject>();
  const key = (object: KubernetesObject): string =>
    [object.kind, groupOf(object)].filter((part) => part !== '').join('.');
  for (const { objects } of fleet) for (const object of objects) kinds.set(key(object), object);
  // Where an autoscaler has the number of pods, the API server writes the default.
  const deployment = kinds.get('Deployment.apps');
  if (deployment !== undefined)
    kinds.set('Deployment.apps', { ...deployment, spec: { replicas: 1, ...(deployment.spec as object) } });
  const application = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: { name: 'x' } };
  kinds.set(key(application), application);

  const unchecked: string[] = [];
  const checked = new Map<string, string>();
  const asked = [...kinds];
  const worker = async (): Promise<void> => {
    for (let next = asked.pop(); next !== undefined; next = asked.pop()) {
      const [kind, object] = next;
      const answer = await askArgo(object);
      const health = /^STATUS: (\w+)$/m.exec(answer)?.[1];
      if (answer.includes('Health script is not configured')) unchecked.push(kind);
      // Some checks expect a status: they fail, so there is one.
      else if (answer.includes('failed to get resource health')) checked.set(kind, 'Unknown');
      else if (health === undefined) t.fail(`${kind}: ${answer}`);
      else checked.set(kind, health);
    }
  };
  await Promise.all([worker(), worker()]);

  const excused = Object.values(WITHOUT_CHECK).flat();
  const isRendered = (kind: string): boolean => kinds.has(kind);
  t.same(unchecked.sort(), excused.filter(lacksCharts() === false ? () => true : isRendered).sort());
  // Applied is not healthy: nobody has acted on these objects yet.
  for (const kind of ['Deployment.apps', 'Job.batch', 'Ingress.networking.k8s.io', 'Application.argoproj.io'])
    t.equal(checked.get(kind), 'Progressing', kind);
  t.comment([...checked].map((entry) => entry.join(' ')).join(', '));
});
