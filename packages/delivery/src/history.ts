import type { ImageChange } from './image-changes.ts';
import type { Image } from './image-file.ts';
import { trailersOf } from './message.ts';

/** One thing that happened to the image of an application in a cluster, according to Git. */
export interface DeploymentEvent {
  readonly date: string;
  readonly cluster: string;
  readonly app: string;
  /** deployed, promoted from staging, rolled back, EMERGENCY, changed by hand, removed */
  readonly what: string;
  readonly who: string;
  readonly image: Image | undefined;
  readonly before: Image | undefined;
  readonly commit: string;
  /** The commit that the image was built from, where it says so. */
  readonly source: string | undefined;
  /** Why the rules of promotion did not hold. */
  readonly emergency: string | undefined;
}

/** What happened, oldest first as the changes are. */
export function eventsOf(changes: readonly ImageChange[]): DeploymentEvent[] {
  // When a cluster had an image first, by the number of its change.
  const first = new Map<string, number>();
  return changes.map((change, index) => {
    const { cluster, app, after, before } = change;
    const keyOf = (image: Image | undefined): string => `${cluster} ${app} ${image?.digest ?? ''}`;
    const since = first.get(keyOf(after));
    const isBack = since !== undefined && since < (first.get(keyOf(before)) ?? -1);
    if (since === undefined) first.set(keyOf(after), index);
    const trailers = trailersOf(change.message);
    return {
      ...{ date: change.date, cluster, app, image: after, before, commit: change.commit },
      what: whatHappened(change, isBack),
      who: trailers.requestedBy ?? change.author,
      source: trailers.source,
      emergency: trailers.emergency,
    };
  });
}

function whatHappened({ message, after, before, problem }: ImageChange, isBack: boolean): string {
  const { image, promotedFrom, emergency } = trailersOf(message);
  if (problem !== undefined) return 'made unreadable';
  if (after === undefined) return 'removed';
  if (emergency !== undefined) return 'EMERGENCY';
  if (isBack) return 'rolled back';
  if (promotedFrom !== undefined) return `promoted from ${promotedFrom}`;
  if (image !== undefined) {
    if (before?.digest !== after.digest) return 'deployed';
    return before.tag === after.tag ? 'platforms recorded' : 'tag changed';
  }
  return before === undefined ? 'added' : 'changed by hand';
}
