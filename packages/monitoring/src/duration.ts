// The units of Prometheus' durations, largest first, as its parser demands them: a year has 365 days.
const UNITS = { y: 31_536_000, w: 604_800, d: 86_400, h: 3600, m: 60, s: 1, ms: 0.001 } as const;
const FORM = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/**
 * A duration of Prometheus ("5m", "1h30m", "3d") in seconds.
 * Throws Error where the text is none.
 */
export function secondsOf(text: string): number {
  const found = text === '' ? null : FORM.exec(text);
  if (found === null) throw new Error(`not a duration: ${JSON.stringify(text)}; for instance 5m or 1h30m`);
  let seconds = 0;
  for (const [index, unit] of Object.values(UNITS).entries()) seconds += Number(found[index + 1] ?? 0) * unit;
  return seconds;
}

/** Seconds as a duration of Prometheus, to the millisecond: 5400 is "1h30m". */
export function durationOf(seconds: number): string {
  let rest = Math.round(seconds * 1000);
  let text = '';
  for (const [unit, size] of Object.entries(UNITS)) {
    // Weeks and years are for people's calendars; rules say 30d.
    if (unit === 'y' || unit === 'w') continue;
    const count = Math.floor(rest / (size * 1000));
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size * 1000;
  }
  return text === '' ? '0s' : text;
}
