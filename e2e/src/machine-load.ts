import { availableParallelism, loadavg } from 'node:os';

/** How busy the machine is, beside figures that depend on it. */
export const machineLoad = (): string =>
  `${loadavg()
    .slice(0, 2)
    .map((load) => load.toFixed(1))
    .join(' and ')} of ${availableParallelism()} cores over 1 and 5 minutes`;
