import { existsSync, readFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { valueAt } from '@gitops/settings/yaml-file';
import { run } from '@gitops/tools/run';
import type { Tools } from '@gitops/tools/tools';
import { declarationOf } from '../commands/check.ts';
import { upgradeChanges } from '../kubernetes/changes.ts';
import { type KubernetesObject, nameOf } from '../kubernetes/object.ts';
import { groupOf } from '../kubernetes/workload.ts';
import { type FleetApplication, labelOf } from '../render/fleet.ts';
import { type Renderer, type RenderRequest, sourcesOf } from '../render/renderer.ts';
import { filesBelow } from '../render/tree.ts';

// Proofs that need to render once more, or to look at how the objects come about. Those that look at objects alone are
// in proofs/.

/** The fleet without what does not render: its problems are told already. */
export const renderedOnly = (
  fleet: readonly FleetApplication[],
): (FleetApplication & { objects: readonly KubernetesObject[] })[] =>
  fleet.flatMap((entry) => (entry.rendered.ok ? [{ ...entry, objects: entry.rendered.value }] : []));

/**
 * The file in which an object is written: the template or manifest of its kind, or else the Application's own
 * declaration.
 */
function homeOf(root: string, entry: FleetApplication, object: string): string {
  // An upstream chart's objects are changed by the values that we give it.
  if (entry.chart?.isUpstream === true)
    return `${entry.chart.valueFiles[0] ?? declarationOf(root, entry.application.metadata.name)}:1`;
  const [kind = '', name = ''] = object.split('/');
  const folders = (entry.application.spec.sources ?? [entry.application.spec.source]).flatMap((source) =>
    source?.path === undefined ? [] : [source.path],
  );
  const files = folders.flatMap((folder) => filesBelow(root, folder)).filter((file) => /\.ya?ml$/.test(file));
  const kinds = files.flatMap((file) => {
    const lines = readFileSync(join(root, file), 'utf8').split('\n');
    return lines.flatMap((line, index) =>
      line.trimEnd() === `kind: ${kind}`
        ? [
            {
              place: `${file}:${index + 1}`,
              isNamed: lines.slice(index, index + 5).some((other) => other.includes(`name: ${name}`)),
            },
          ]
        : [],
    );
  });
  return (
    (kinds.find(({ isNamed }) => isNamed) ?? kinds[0])?.place ??
    `${declarationOf(root, entry.application.metadata.name)}:1`
  );
}

/**
 * A problem with a rendered object, at the file in which it is written.
 * @param object Deployment/fastify-service, as nameOf has it
 */
export const objectProblem = (
  root: string,
  entry: FleetApplication,
  object: string,
  path: string,
  rule: string,
): string =>
  `${homeOf(root, entry, object)}: ${[labelOf(entry), object, path].filter((part) => part !== '').join(' ')}: ${rule}`;

/**
 * Of an upstream chart one cluster stands for the others: they differ in a few values of ours, and its renders, with
 * large definitions and certificates, take longer than all else.
 */
function representative<T extends FleetApplication>(fleet: readonly T[]): T[] {
  const upstream = new Map(
    fleet.flatMap((entry) => (entry.chart?.isUpstream === true ? [[entry.chart.name, entry] as const] : [])),
  );
  return fleet.filter((entry) => entry.chart?.isUpstream !== true || upstream.get(entry.chart.name) === entry);
}

async function rendersLike(
  renderer: Renderer,
  root: string,
  fleet: readonly FleetApplication[],
  change: (request: RenderRequest) => RenderRequest,
  rule: string,
): Promise<string[]> {
  const entries = representative(renderedOnly(fleet));
  const again = await renderer.render(
    root,
    entries.map(({ request }) => change(request)),
  );
  return entries.flatMap((entry, index) => {
    const outcome = again[index];
    if (outcome?.ok !== true)
      return [
        `${declarationOf(root, entry.application.metadata.name)}:1: ${labelOf(entry)}: ${rule}: ${outcome?.error ?? 'no answer'}`,
      ];
    return upgradeChanges(entry.objects, outcome.value).map(({ object, path, before, after }) =>
      objectProblem(root, entry, object, path, `${rule} (${JSON.stringify(before)}, then ${JSON.stringify(after)})`),
    );
  });
}

/**
 * Two renders of the same are equal: a password or certificate made while rendering would restart pods for ever. What
 * an Application leaves to the cluster (its ignoreDifferences) may differ, and must: nobody would see a change of it.
 */
export async function isDeterministic(
  renderer: Renderer,
  root: string,
  fleet: readonly FleetApplication[],
): Promise<string[]> {
  const differing = rendersLike(renderer, root, fleet, (request) => request, 'differs from one render to the next');
  const leaving = representative(renderedOnly(fleet)).filter(
    ({ application }) => (application.spec.ignoreDifferences ?? []).length > 0,
  );
  const needless = leaving.map(async (entry) => {
    const { ignoreDifferences = [], ...spec } = entry.application.spec;
    const request = { ...entry.request, application: { ...entry.application, spec } };
    const [first, second] = await Promise.all([renderer.render(root, [request]), renderer.render(root, [request])]);
    const objects = (outcomes: typeof first): readonly KubernetesObject[] =>
      outcomes[0]?.ok === true ? outcomes[0].value : [];
    const changed = new Set(upgradeChanges(objects(first), objects(second)).map(({ object }) => object));
    return ignoreDifferences
      .map(({ kind, name = '' }) => `${kind}/${name}`)
      .filter((object) => !changed.has(object))
      .map(
        (object) =>
          `${declarationOf(root, entry.application.metadata.name)}:1: ignoreDifferences: ${object} is the same in every render; leave it out, or nobody sees who changes it in the cluster`,
      );
  });
  return [...(await differing), ...(await Promise.all(needless)).flat()];
}

/**
 * What is rendered does not depend on what a cluster says of itself: an object that waits for an API would vanish while
 * its operator is not there yet. Tried with no API at all, and with the oldest and the newest minor version of
 * Kubernetes: what begins or ends with a version in between differs from one end to the other.
 */
export async function isIndependentOfCapabilities(
  renderer: Renderer,
  root: string,
  fleet: readonly FleetApplication[],
  minors: readonly string[],
): Promise<string[]> {
  const found = await Promise.all(
    [...new Set([minors.at(0), minors.at(-1)])].map(async (minor = '') => {
      const others = fleet.filter(({ cluster }) => cluster.kubernetesVersion !== minor);
      return rendersLike(
        renderer,
        root,
        others,
        (request) => ({ ...request, apiVersions: [], kubeVersion: `v${minor}.0` }),
        `is another in a Kubernetes ${minor} without any operator`,
      );
    }),
  );
  return found.flat();
}

/**
 * No workload breaks the Pod Security level of its namespace, by the admission plugin's own checks; a namespace without
 * a level counts as restricted.
 */
export async function keepsPodSecurity(
  renderer: Renderer,
  root: string,
  fleet: readonly FleetApplication[],
): Promise<string[]> {
  const entries = renderedOnly(fleet);
  const levels = new Map(
    entries.flatMap(({ cluster, objects }) =>
      objects
        .filter(({ kind }) => kind === 'Namespace')
        .map(
          ({ metadata }) =>
            [`${cluster.name}/${metadata.name}`, metadata.labels?.['pod-security.kubernetes.io/enforce']] as const,
        ),
    ),
  );
  const asked = entries.flatMap((entry) => entry.objects.map((object) => ({ entry, object })));
  const answers = await renderer.podSecurity(
    asked.map(({ entry, object }) => ({
      object,
      level:
        levels.get(
          `${entry.cluster.name}/${object.metadata.namespace ?? entry.application.spec.destination.namespace ?? ''}`,
        ) ?? 'restricted',
      version: entry.cluster.kubernetesVersion,
    })),
  );
  return asked.flatMap(({ entry, object }, index) => {
    const answer = answers[index];
    const violations = answer?.ok === true ? answer.value : [answer?.error ?? 'no answer'];
    return violations.map((violation) => objectProblem(root, entry, nameOf(object), '', `Pod Security: ${violation}`));
  });
}

interface Project {
  readonly metadata: { readonly name: string };
  readonly spec?: {
    readonly destinations?: readonly { readonly namespace?: string }[];
    readonly sourceRepos?: readonly string[];
    readonly clusterResourceWhitelist?: readonly {
      readonly group: string;
      readonly kind: string;
      readonly name?: string;
    }[];
    readonly namespaceResourceWhitelist?: readonly { readonly group: string; readonly kind: string }[];
  };
}

/**
 * Every object is one that the Application's project allows, goes where the project lets it, and comes from where it
 * may. Only in the names of cluster-wide objects a star counts as one: rule 7 of the design forbids the others.
 */
export function isPermitted(root: string, fleet: readonly FleetApplication[]): string[] {
  const entries = renderedOnly(fleet);
  return entries.flatMap((entry) => {
    if (entry.isInstalled) return [];
    const project = entries
      .filter(({ cluster }) => cluster.name === entry.cluster.name)
      .flatMap(({ objects }) => objects)
      .find(({ kind, metadata }) => kind === 'AppProject' && metadata.name === entry.application.spec.project) as
      Project | undefined;
    // root's own project comes with root itself; Argo CD checks it on every sync of the drills.
    if (project === undefined)
      return entry.application.metadata.name === 'root'
        ? []
        : [
            `${declarationOf(root, entry.application.metadata.name)}:1: spec.project: there is no AppProject ${entry.application.spec.project}`,
          ];
    const {
      destinations = [],
      sourceRepos = [],
      clusterResourceWhitelist = [],
      namespaceResourceWhitelist = [],
    } = project.spec ?? {};
    const foreign = [...new Set(sourcesOf(entry.application).map(({ repoURL }) => repoURL))].filter(
      (repoURL) => !sourceRepos.includes(repoURL),
    );
    const refused = foreign.map(
      (repoURL) =>
        `${declarationOf(root, entry.application.metadata.name)}:1: spec.sources: AppProject ${project.metadata.name} does not allow the repository ${repoURL}`,
    );
    const ofObjects = entry.objects.flatMap((object) => {
      const group = groupOf(object);
      const isListed = [...namespaceResourceWhitelist, ...clusterResourceWhitelist].some(
        (allowed) =>
          allowed.group === group &&
          allowed.kind === object.kind &&
          (!('name' in allowed) || matchesGlob(object.metadata.name, String(allowed.name))),
      );
      const namespace = object.metadata.namespace ?? entry.application.spec.destination.namespace;
      const isPlaced = destinations.some((destination) => destination.namespace === namespace);
      return [
        ...(isListed
          ? []
          : [
              objectProblem(
                root,
                entry,
                nameOf(object),
                'kind',
                `AppProject ${project.metadata.name} does not allow ${group === '' ? object.kind : `${group}/${object.kind}`}`,
              ),
            ]),
        ...(isPlaced
          ? []
          : [
              objectProblem(
                root,
                entry,
                nameOf(object),
                'metadata.namespace',
                `AppProject ${project.metadata.name} does not allow the namespace ${String(namespace)}`,
              ),
            ]),
      ];
    });
    return [...refused, ...ofObjects];
  });
}

/**
 * Helm's own output has no key twice: Helm and Argo CD take the last one without a word. What an upstream chart writes
 * twice, only upstream can mend.
 */
export async function hasUniqueKeys(
  tools: Pick<Tools, 'bin'>,
  root: string,
  fleet: readonly FleetApplication[],
): Promise<string[]> {
  const found = await Promise.all(
    renderedOnly(fleet).map(async (entry) => {
      const { chart } = entry;
      if (chart === undefined || chart.isUpstream) return [];
      const { source, folder, valueFiles } = chart;
      const parameters = (source.helm?.parameters ?? []).flatMap(({ name, value, forceString }) => [
        forceString === true ? '--set-string' : '--set',
        `${name}=${value}`,
      ]);
      const args = [
        'template',
        source.helm?.releaseName ?? entry.application.metadata.name,
        folder,
        ...valueFiles.flatMap((file) => ['--values', join(root, file)]),
        ...parameters,
      ];
      // Argo CD has rendered it, so that a failure here is one of this proof, and no problem of the tree's.
      const text = await run(join(tools.bin, 'helm'), args);
      return parseAllDocuments(text, { uniqueKeys: true, prettyErrors: false }).flatMap((document) => {
        // Helm writes above each document which template it comes from.
        const template = /# Source: \S+?\/(templates\/\S+)/.exec(text.slice(document.range[0], document.range[1]))?.[1];
        return document.errors.map(
          ({ message }) => `${chart.label}/${template ?? ''}:1: ${labelOf(entry)}: ${message}`,
        );
      });
    }),
  );
  return found.flat();
}

const GENERATE_PATHS = 'argocd.argoproj.io/manifest-generate-paths';

/**
 * A push to any file that an Application reads refreshes it: Argo CD looks at no other paths than those of its
 * annotation.
 */
export function isRefreshed(root: string, fleet: readonly FleetApplication[]): string[] {
  return fleet.flatMap(({ cluster, application, chart, isInstalled }) => {
    if (isInstalled) return [];
    const paths = (application.metadata.annotations?.[GENERATE_PATHS] ?? '')
      .split(';')
      .map((path) => path.trim().replace(/^\//, ''));
    const read = chart === undefined ? [] : [...(chart.isUpstream ? [] : [chart.name]), ...chart.valueFiles];
    const isCovered = (file: string): boolean =>
      paths.some((path) => path !== '' && (file === path || file.startsWith(`${path}/`)));
    return read
      .filter((file) => !isCovered(file))
      .map(
        (file) =>
          `${declarationOf(root, application.metadata.name)}:1: ${GENERATE_PATHS}: must name ${file}, which ${labelOf({ cluster, application })} reads; a push to it would go unnoticed`,
      );
  });
}

/** Where the selectors are written down that no upgrade may change; a chart, then object, then selector. */
export const SELECTORS = 'charts/selectors.json';

type Selectors = Record<string, Record<string, unknown>>;

/** The selectors that Kubernetes lets nobody change, as they are rendered. */
export function selectorsOf(fleet: readonly FleetApplication[]): Selectors {
  const selectors: Selectors = {};
  for (const { chart, objects } of renderedOnly(fleet)) {
    for (const object of objects) {
      const selector = valueAt(object, ['spec', 'selector']);
      if (chart !== undefined && ['Deployment', 'StatefulSet', 'DaemonSet'].includes(object.kind))
        (selectors[chart.name] ??= {})[nameOf(object)] = selector;
    }
  }
  return selectors;
}

/** The selectors are those of the committed file: a Deployment with another one can only be deleted and made anew. */
export function keepsSelectors(root: string, fleet: readonly FleetApplication[]): string[] {
  const committed = existsSync(join(root, SELECTORS))
    ? (JSON.parse(readFileSync(join(root, SELECTORS), 'utf8')) as Selectors)
    : {};
  return renderedOnly(fleet).flatMap((entry) => {
    const chart = entry.chart?.name ?? '';
    return Object.entries(selectorsOf([entry])[chart] ?? {}).flatMap(([object, selector]) => {
      const frozen = committed[chart]?.[object];
      if (frozen === undefined)
        return [
          `${SELECTORS}:1: ${chart}: ${object} is new; write its selector down here: ${JSON.stringify(selector)}`,
        ];
      if (isDeepStrictEqual(frozen, selector)) return [];
      return [
        objectProblem(
          root,
          entry,
          object,
          'spec.selector',
          `must stay ${JSON.stringify(frozen)}, which ${SELECTORS} has; Kubernetes refuses another one (it is ${JSON.stringify(selector)})`,
        ),
      ];
    });
  });
}
