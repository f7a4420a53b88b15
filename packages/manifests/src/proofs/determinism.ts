import { changesBetween } from '../kubernetes/changes.ts';
import type { FleetApplication } from '../render/fleet.ts';
import type { RenderedApplication } from '../render/rendered.ts';
import { applicationProblem } from './location.ts';
import type { ProofContext } from './proof.ts';
import { differencesOnceMore, representatives } from './render-again.ts';

/**
 * Fields that differ from one render to the next: a password or certificate made while rendering would restart pods for
 * ever. What an Application leaves to the cluster by ignoreDifferences may differ, and must: nobody would see a change
 * of it.
 */
export async function differencesBetweenRenders(
  fleet: readonly FleetApplication[],
  context: ProofContext,
): Promise<string[]> {
  const differences = differencesOnceMore(fleet, context, (request) => request, 'differs from one render to the next');
  const needless = representatives(fleet).map(async (entry) => needlesslyIgnored(entry, context));
  return [await differences, ...(await Promise.all(needless))].flat();
}

/** Objects of an Application's ignoreDifferences that are equal in every render. */
async function needlesslyIgnored(
  { application, request }: RenderedApplication,
  { root, renderer }: ProofContext,
): Promise<string[]> {
  const { ignoreDifferences = [], ...spec } = application.spec;
  if (ignoreDifferences.length === 0) return [];
  const whole = { ...request, application: { ...application, spec } };
  // Two calls: equal requests of one call are rendered once.
  const [[first], [second]] = await Promise.all([renderer.render(root, [whole]), renderer.render(root, [whole])]);
  const changes = changesBetween(first?.ok === true ? first.value : [], second?.ok === true ? second.value : []);
  const changed = new Set(changes.map(({ object }) => object));
  const found: string[] = [];
  for (const { kind, name = '' } of ignoreDifferences) {
    const object = `${kind}/${name}`;
    const rule = `${object} is the same in every render; remove it, or nobody sees who changes it in the cluster`;
    if (!changed.has(object)) found.push(applicationProblem(root, { application }, 'ignoreDifferences', rule));
  }
  return found;
}
