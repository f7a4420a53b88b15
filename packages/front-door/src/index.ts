export type { TargetRow, TargetTable } from './admin.ts';
export { DELAYS } from './delays.ts';
export { LOOPBACK_NETWORK } from './loopback.ts';
