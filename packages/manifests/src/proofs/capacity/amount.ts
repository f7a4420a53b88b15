/** What pods ask for and nodes have: CPUs in thousandths, memory in MiB, and a number of pods. */
export interface Amount {
  readonly cpu: number;
  readonly memory: number;
  readonly pods: number;
}

export const RESOURCES = ['cpu', 'memory', 'pods'] as const;

export const NOTHING: Amount = { cpu: 0, memory: 0, pods: 0 };

/** One amount of two, resource by resource. */
const combined = (a: Amount, b: Amount, combine: (a: number, b: number) => number): Amount => ({
  cpu: combine(a.cpu, b.cpu),
  memory: combine(a.memory, b.memory),
  pods: combine(a.pods, b.pods),
});

export const plus = (a: Amount, b: Amount): Amount => combined(a, b, (x, y) => x + y);
export const minus = (a: Amount, b: Amount): Amount => combined(a, b, (x, y) => x - y);
/** The greater of each resource. */
export const most = (a: Amount, b: Amount): Amount => combined(a, b, Math.max);
export const times = (a: Amount, factor: number): Amount => combined(a, a, (x) => x * factor);
export const sum = (amounts: readonly Amount[]): Amount => amounts.reduce(plus, NOTHING);
export const fits = (asked: Amount, free: Amount): boolean =>
  RESOURCES.every((resource) => asked[resource] <= free[resource]);
