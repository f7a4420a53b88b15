export const PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** Ports from `from` to `to`, both included. */
export interface PortRange {
  readonly protocol: Protocol;
  readonly from: number;
  readonly to: number;
}

export const LAST_PORT = 65_535;

/** Adjacent ranges as one. */
export function joined(ranges: readonly PortRange[]): PortRange[] {
  const result: PortRange[] = [];
  for (const range of ranges) {
    const last = result.at(-1);
    if (last?.protocol === range.protocol && last.to + 1 === range.from)
      result[result.length - 1] = { ...last, to: range.to };
    else result.push(range);
  }
  return result;
}

/** Ports as people read them: `TCP 8080, UDP 53`, `TCP 1-1023`, `every port`. */
export function showPorts(ranges: readonly PortRange[]): string {
  const merged = joined(ranges);
  const isWhole = ({ from, to }: PortRange): boolean => from === 1 && to === LAST_PORT;
  if (merged.length === PROTOCOLS.length && merged.every(isWhole)) return 'every port';
  const shown = merged.map((range) => {
    const { protocol, from, to } = range;
    if (isWhole(range)) return `every ${protocol} port`;
    return `${protocol} ${from === to ? from : `${from}-${to}`}`;
  });
  return shown.join(', ');
}
