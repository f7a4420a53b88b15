import { elapsed } from '@gitops/report/progress';
import { table } from '@gitops/report/table';

/** A part of a command and how long it took. */
export interface Part {
  readonly part: string;
  readonly seconds: number;
  /** How much of it the chart and the load balancer prescribe, in seconds; 0 where they prescribe nothing. */
  readonly minimum: number;
}

/** What the seconds of a command were spent on. */
export class Timeline {
  readonly parts: Part[] = [];
  #lastEnd: number;

  /** @param start when the first part began, in milliseconds since 1970 */
  constructor(start: number) {
    this.#lastEnd = start;
  }

  /** Ends a part now: it lasted since the end of the one before. */
  end(part: string): void {
    this.add(part, (Date.now() - this.#lastEnd) / 1000);
  }

  /** Adds a part of known length. */
  add(part: string, seconds: number): void {
    this.parts.push({ part, seconds: Math.round(seconds * 1000) / 1000, minimum: 0 });
    this.#lastEnd += seconds * 1000;
  }

  /** Says how much of a part is prescribed; at most all of it. */
  prescribe(part: string, seconds: number): void {
    const index = this.parts.findIndex((each) => each.part === part);
    const given = this.parts[index];
    if (given !== undefined) this.parts[index] = { ...given, minimum: Math.min(seconds, given.seconds) };
  }
}

/** The parts as a table with their sum. What the chart and the load balancer prescribe stands beside the rest. */
export function timelineTable({ parts }: Timeline): string {
  const sum = (of: (part: Part) => number): number => parts.reduce((total, part) => total + of(part), 0);
  const total = { part: 'total', seconds: sum(({ seconds }) => seconds), minimum: sum(({ minimum }) => minimum) };
  const duration = (seconds: number): string => (seconds === 0 ? '-' : elapsed(seconds * 1000));
  return table(
    ['PART', 'TIME', 'PRESCRIBED', 'REST'],
    [...parts, total].map(({ part, seconds, minimum }) => [
      part,
      duration(seconds),
      duration(minimum),
      duration(seconds - minimum),
    ]),
  );
}
