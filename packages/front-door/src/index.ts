export type { TargetRow, TargetTable } from './admin.ts';
export { LOOPBACK_NETWORK } from './loopback.ts';
