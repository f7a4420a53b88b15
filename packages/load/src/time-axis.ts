import type { Event } from './events.ts';

/** 95 as 1:35. */
export function clock(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

// What people count time in, in seconds.
const TICKS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
const MOST_TICKS = 12;

/** The distance of the ticks of a time axis. */
export const tickSeconds = (seconds: number): number =>
  TICKS.find((tick) => seconds / tick <= MOST_TICKS) ?? Math.ceil(seconds / MOST_TICKS / 3600) * 3600;

/** A numbered mark at a moment. */
export interface Marker {
  /** From 1, the place of the event in the list. */
  readonly number: number;
  readonly seconds: number;
  /** How many rows its number is raised, so that it covers none before it. */
  readonly level: number;
}

const NUMBER_WIDTH = 16;
const LEVELS = 3;

/**
 * Where the numbers of events stand above the picture.
 * @param start of the axis, in milliseconds since 1970
 * @param end of the axis, in seconds after that
 * @param width of the axis, in pixels
 */
export function markers(events: readonly Event[], start: number, end: number, width: number): Marker[] {
  const free: number[] = Array.from({ length: LEVELS }, () => -Infinity);
  return events.map(({ time }, index) => {
    const seconds = Math.min(end, Math.max(0, (time - start) / 1000));
    const at = (seconds / end) * width;
    const level = Math.max(
      0,
      free.findIndex((edge) => at >= edge),
    );
    free[level] = at + NUMBER_WIDTH;
    return { number: index + 1, seconds, level };
  });
}
