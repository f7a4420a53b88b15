// Each bucket is one percent wider than the one below it: a percentile is exact to half a percent, and a run of any
// length takes a few hundred numbers.
const GROWTH = Math.log(1.01);
const SMALLEST_MS = 0.01;

/** Times of a run, in milliseconds. */
export class Histogram {
  readonly #counts = new Map<number, number>();
  #total = 0;

  get count(): number {
    return this.#total;
  }

  add(milliseconds: number): void {
    const bucket = Math.round(Math.log(Math.max(milliseconds, SMALLEST_MS) / SMALLEST_MS) / GROWTH);
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
    this.#total += 1;
  }

  /** The time that so many percent of all do not exceed (nearest rank); undefined where there are none. */
  percentile(percent: number): number | undefined {
    const rank = Math.max(1, Math.ceil((percent / 100) * this.#total));
    let seen = 0;
    for (const [bucket, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      seen += count;
      if (seen >= rank) return SMALLEST_MS * Math.exp(bucket * GROWTH);
    }
    return undefined;
  }
}
