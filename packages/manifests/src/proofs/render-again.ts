import { KUBERNETES_MINORS } from '@gitops/tools/schemas';
import { changesBetween } from '../kubernetes/changes.ts';
import type { KubernetesObject } from '../kubernetes/object.ts';
import { type FleetApplication, labelOf } from '../render/fleet.ts';
import { oncePerRender } from '../render/remember.ts';
import { type RenderedApplication, renderedOnly } from '../render/rendered.ts';
import type { Outcome, RenderRequest } from '../render/renderer.ts';
import { applicationProblem, objectProblem } from './location.ts';
import type { ProofContext } from './proof.ts';

/**
 * The Applications that are rendered again. Of an upstream chart, one cluster represents the others: they differ in a
 * few of our values, and its renders, with large definitions and certificates, take longer than all else.
 */
export function representatives(fleet: readonly FleetApplication[]): RenderedApplication[] {
  const rendered = renderedOnly(fleet);
  const last = new Map<string, RenderedApplication>();
  for (const entry of rendered) if (entry.chart?.isUpstream === true) last.set(entry.chart.name, entry);
  return rendered.filter((entry) => entry.chart?.isUpstream !== true || last.get(entry.chart.name) === entry);
}

/** Another render of an Application. */
export interface Again {
  /** For messages: `differs from one render to the next`; tells the changes of requests apart. */
  readonly rule: string;
  /** The request to make instead of the Application's own. */
  readonly change: (request: RenderRequest) => RenderRequest;
}

/**
 * Renders without any API, with the oldest and the newest minor version of Kubernetes: of each cluster those of another
 * version than its own.
 */
export function bareRenders({ cluster }: Pick<FleetApplication, 'cluster'>): Again[] {
  const ends = new Set([KUBERNETES_MINORS[0], KUBERNETES_MINORS.at(-1) ?? KUBERNETES_MINORS[0]]);
  return [...ends]
    .filter((minor) => minor !== cluster.kubernetesVersion)
    .map((minor) => ({
      rule: `is different in Kubernetes ${minor} without any operator`,
      change: (request) => ({ ...request, apiVersions: [], kubeVersion: `v${minor}.0` }),
    }));
}

/** An Application rendered again; once for all proofs that ask. */
const renderedAgain = async (
  { rendered, request }: RenderedApplication,
  { root, renderer }: ProofContext,
  { rule, change }: Again,
): Promise<Outcome<KubernetesObject[]> | undefined> =>
  oncePerRender(rendered, rule, async () => (await renderer.render(root, [change(request)]))[0]);

/** Whether an Application is the same once it is rendered again. */
export async function isTheSame(entry: RenderedApplication, context: ProofContext, again: Again): Promise<boolean> {
  const outcome = await renderedAgain(entry, context, again);
  return outcome?.ok === true && changesBetween(entry.objects, outcome.value).length === 0;
}

/** What differs from Applications as they are once they are rendered again. */
export async function differencesOnceMore(
  entries: readonly RenderedApplication[],
  context: ProofContext,
  again: Again,
): Promise<string[]> {
  const { root } = context;
  const { rule } = again;
  const outcomes = await Promise.all(entries.map(async (entry) => renderedAgain(entry, context, again)));
  const found: string[] = [];
  for (const [index, entry] of entries.entries()) {
    const outcome = outcomes[index];
    if (outcome?.ok !== true) {
      found.push(applicationProblem(root, entry, labelOf(entry), `${rule}: ${outcome?.error ?? 'no answer'}`));
      continue;
    }
    for (const { object, path, before, after } of changesBetween(entry.objects, outcome.value)) {
      const seen = `${JSON.stringify(before)}, then ${JSON.stringify(after)}`;
      found.push(objectProblem(root, entry, { object, path, rule: `${rule} (${seen})` }));
    }
  }
  return found;
}
