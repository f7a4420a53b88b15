import type { Change } from '../kubernetes/changes.ts';
import { type KubernetesObject, nameOf } from '../kubernetes/object.ts';
import type { Renderer, SyncWindow } from '../render/renderer.ts';
import { nextTime } from '../render/windows.ts';

const FIELD = 'spec.syncWindows';

interface Project extends KubernetesObject {
  readonly spec?: { readonly syncWindows?: readonly SyncWindow[] };
}

/** The changes of an Application, with one in words for those of the sync windows of each project. */
export async function freezesInWords(
  renderer: Pick<Renderer, 'windows'>,
  before: readonly KubernetesObject[],
  after: readonly KubernetesObject[],
  changes: readonly Change[],
): Promise<Change[]> {
  const result: Change[] = [];
  const seen = new Set<string>();
  for (const change of changes) {
    const { object } = change;
    if (!object.startsWith('AppProject/') || !change.path.startsWith(FIELD)) {
      result.push(change);
      continue;
    }
    if (seen.has(object)) continue;
    seen.add(object);
    const old = windowsOf(before, object);
    const fresh = windowsOf(after, object);
    result.push({
      ...{ object, path: FIELD, kind: 'change', effect: 'changed', before: namesOf(old), after: namesOf(fresh) },
      consequence: await consequenceOf(renderer, old, fresh),
    });
  }
  return result;
}

const windowsOf = (objects: readonly KubernetesObject[], name: string): readonly SyncWindow[] =>
  (objects.find((object) => nameOf(object) === name) as Project | undefined)?.spec?.syncWindows ?? [];

/** The template argocd/projects/templates/_freezes.tpl writes `name: reason`. */
const nameIn = ({ description = '' }: SyncWindow): string => description.split(':')[0] ?? '';

const namesOf = (windows: readonly SyncWindow[]): string | undefined =>
  windows.length === 0 ? undefined : windows.map(nameIn).join(', ');

async function consequenceOf(
  renderer: Pick<Renderer, 'windows'>,
  old: readonly SyncWindow[],
  fresh: readonly SyncWindow[],
): Promise<string> {
  const parts: string[] = [];
  for (const window of fresh) {
    const same = old.find((other) => nameIn(other) === nameIn(window));
    if (JSON.stringify(same) === JSON.stringify(window)) continue;
    const when = await timeOf(renderer, window);
    parts.push(
      same === undefined
        ? `freeze ${nameIn(window)}, ${when}: Argo CD deploys nothing by itself; what a person syncs or rolls back passes`
        : `freeze ${nameIn(window)} is now ${when}, before ${await timeOf(renderer, same)}`,
    );
  }
  for (const window of old)
    if (!fresh.some((other) => nameIn(other) === nameIn(window)))
      parts.push(`no freeze ${nameIn(window)} any more: what waits for its end is deployed within minutes`);
  return parts.length === 0 ? 'the freezes have another order' : parts.join('; ');
}

/** `from 2026-12-19 18:00 to 2027-01-04 18:00 (America/New_York)`, the time that is next or has begun. */
async function timeOf(renderer: Pick<Renderer, 'windows'>, window: SyncWindow): Promise<string> {
  const next = await nextTime(renderer, window);
  if (next === undefined) return `"${window.schedule}", which \`make check\` refuses`;
  return `from ${next.from} to ${next.to} (${window.timeZone})`;
}
