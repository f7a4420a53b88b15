import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isNode, LineCounter, parseDocument } from 'yaml';
import { ARGOCD_FILE, type ArgocdStep, isExactVersion, readArgocdSteps } from '@gitops/tools/charts';
import { ARGOCD_VERSION } from '@gitops/tools/tools';
import { type KubernetesObject, nameOf } from '../../kubernetes/object.ts';
import { isNewer, skipsMinor } from '../../kubernetes/version.ts';
import type { FleetApplication } from '../../render/fleet.ts';
import { type RenderedApplication, renderedOnly } from '../../render/rendered.ts';
import { sourcesOf } from '../../render/renderer.ts';
import { objectProblem } from '../location.ts';
import type { ProofContext } from '../proof.ts';

const NAME = 'argocd';

/** Argo CD deploys itself (docs/decisions/self-management.md): what an upgrade must not do, and what must not be lost. */
export function unsafeSelfManagement(fleet: readonly FleetApplication[], { root }: ProofContext): string[] {
  const found = versionProblems(root);
  // A file that cannot be read is reported as such.
  if (readArgocdSteps(root).length === 0) return found;
  found.push(...clusterProblems(fleet, root));
  for (const entry of renderedOnly(fleet))
    if (entry.application.metadata.name === NAME) found.push(...lossProblems(entry, root));
  return found;
}

/** Versions that are none, and steps that are newer than the one above them, or further behind than a minor version. */
function versionProblems(root: string): string[] {
  const steps = readArgocdSteps(root);
  const found: string[] = [];
  for (const [index, step] of steps.entries()) {
    const report = (key: 'chart' | 'version', rule: string): void => {
      found.push(
        `${ARGOCD_FILE}:${lineOf(root, index, key)}: values.${key}: ${rule} (it is ${JSON.stringify(step[key])})`,
      );
    };
    if (!isExactVersion(step.chart)) report('chart', 'must be one exact version of the chart');
    if (!/^v\d+\.\d+\.\d+$/.test(step.version))
      report('version', 'must be a version of Argo CD as its images are tagged, with a v');
    // The laptop comes first: its Argo CD is what the tests run.
    const above = steps[index - 1] ?? {
      cluster: 'the local machine',
      chart: step.chart,
      version: `v${ARGOCD_VERSION}`,
    };
    const name = above.cluster ?? 'the step above';
    for (const key of ['chart', 'version'] as const)
      if (above[key] !== '' && isNewer(step[key], above[key]))
        report(key, `must not be newer than that of ${name}, ${above[key]}`);
    if (skipsMinor(step.version, above.version))
      report('version', `must be at most one minor version behind ${name}, ${above.version}: upgrade this step first`);
  }
  return found;
}

/** The line of a step's value, from 1; of its generator, or the first, where it has none. */
function lineOf(root: string, step: number, key: keyof ArgocdStep): number {
  const lineCounter = new LineCounter();
  const document = parseDocument(readFileSync(join(root, ARGOCD_FILE), 'utf8'), { lineCounter });
  const generator = ['spec', 'generators', step];
  for (const path of [[...generator, 'clusters', 'values', key], generator]) {
    const node = document.getIn(path, true);
    if (isNode(node) && node.range) return lineCounter.linePos(node.range[0]).line;
  }
  return 1;
}

/** Clusters on AWS that get none of the Applications, or another version than CDKTF would install. */
function clusterProblems(fleet: readonly FleetApplication[], root: string): string[] {
  const clusters = new Map(fleet.map(({ cluster }) => [cluster.name, cluster]));
  const found: string[] = [];
  for (const { name, provider } of clusters.values()) {
    if (provider !== 'aws') continue;
    const entries = fleet.filter(
      ({ cluster, application }) => cluster.name === name && application.metadata.name === NAME,
    );
    // One that is refused is reported as such.
    if (entries.some(({ application }) => application.spec.project === '')) continue;
    const versions = entries.flatMap(({ application }) =>
      sourcesOf(application).flatMap(({ chart, targetRevision = '' }) => (chart === undefined ? [] : [targetRevision])),
    );
    const version = readArgocdSteps(root).find(({ cluster }) => cluster === name || cluster === undefined)?.chart ?? '';
    if (versions.length === 1 && versions[0] === version) continue;
    const rule = `must make one Application for ${name}, of the chart ${version}, which CDKTF installs`;
    found.push(`${ARGOCD_FILE}:1: spec.generators: ${rule} (it makes ${versions.join(', ') || 'none'})`);
  }
  return found;
}

const DEFINITIONS = ['applications', 'applicationsets', 'appprojects'].map(
  (name) => `CustomResourceDefinition/${name}.argoproj.io`,
);
const LASTING = [...DEFINITIONS, 'Secret/argocd-secret'];

const isPruned = ({ metadata }: KubernetesObject): boolean =>
  !(metadata.annotations?.['argocd.argoproj.io/sync-options'] ?? '').split(',').includes('Prune=false');

/** What Argo CD cannot lose, and would prune if the chart no longer rendered it. */
function lossProblems(entry: RenderedApplication, root: string): string[] {
  const found: string[] = [];
  for (const name of LASTING) {
    const object = entry.objects.find((candidate) => nameOf(candidate) === name);
    const rule =
      object === undefined ? 'must be rendered: nothing else brings it' : 'must have the sync option Prune=false';
    if (object === undefined || isPruned(object))
      found.push(objectProblem(root, entry, { object: name, path: '', rule }));
  }
  return found;
}
