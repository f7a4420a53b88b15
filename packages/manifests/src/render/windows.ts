import type { Renderer, SyncWindow } from './renderer.ts';

// Sync windows are cron lines; people ask from when to when.

/** Two years ahead: what comes every year comes twice. */
const AHEAD = 2 * 366 * 24 * 3600 * 1000;

/**
 * From when to when a window is active, now or the next time, as the clocks of its zone show it: `2026-12-19 18:00`.
 * Undefined for a window that Argo CD cannot read. One that is active now begins now.
 */
export async function nextTime(
  renderer: Pick<Renderer, 'windows'>,
  window: SyncWindow,
): Promise<{ readonly from: string; readonly to: string } | undefined> {
  const now = new Date();
  const until = new Date(now.getTime() + AHEAD);
  const request = { windows: [window], from: now.toISOString(), until: until.toISOString() };
  const [answer] = await renderer.windows([request]);
  const [stretch] = answer?.stretches ?? [];
  if (stretch === undefined) return undefined;
  const clock = (moment: string): string =>
    new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short', timeZone: window.timeZone }).format(
      new Date(moment),
    );
  return { from: clock(stretch.start), to: clock(stretch.end) };
}
