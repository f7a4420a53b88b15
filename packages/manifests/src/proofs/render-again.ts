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

/**
 * What differs from the fleet as it is once it is rendered again.
 * @param change the request to make instead of the Application's own
 * @param rule for messages: `differs from one render to the next`; tells the changes of requests apart
 */
export async function differencesOnceMore(
  fleet: readonly FleetApplication[],
  { root, renderer }: ProofContext,
  change: (request: RenderRequest) => RenderRequest,
  rule: string,
): Promise<string[]> {
  const entries = representatives(fleet);
  const again = async ({ request }: RenderedApplication): Promise<Outcome<KubernetesObject[]> | undefined> =>
    (await renderer.render(root, [change(request)]))[0];
  const outcomes = await Promise.all(
    entries.map(async (entry) => oncePerRender(entry.rendered, rule, async () => again(entry))),
  );
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
