import { table } from '@gitops/report/table';
import type { RunRecord } from './run.ts';
import type { PhaseCounts } from './tally.ts';
import { thresholdCells } from './thresholds.ts';

/** A run as a person reads it in a terminal. */
export function report(record: RunRecord): string {
  const { phases, thresholds, target } = record;
  const rows = phases.map((phase) => phaseCells(phase, record));
  const judged = thresholds.map((threshold) => [...thresholdCells(threshold), threshold.holds ? 'yes' : 'NO']);
  const whose = target.cluster === undefined ? 'of all clusters' : `of ${target.cluster}`;
  return [
    table(['PHASE', 'SECONDS', 'REQUESTS/S', 'ANSWERED', '4XX', '503', 'FAILED', 'P50', 'P95', 'P99', 'PODS'], rows),
    '',
    table([`OBJECTIVES ${whose.toUpperCase()}`, 'ASKED', 'MEASURED', 'HOLDS'], judged),
    '',
    ...scalingLines(record),
    ...noteLines(record),
  ].join('\n');
}

function phaseCells(phase: PhaseCounts, { replicas }: RunRecord): string[] {
  const { name, from, to, requests, answered, mistakes, refused, failed, p50, p95, p99 } = phase;
  const seconds = Math.max(1, (to - from) / 1000);
  const ready = replicas.filter(({ time }) => time >= from && time <= to).map((sample) => sample.ready);
  const [lowest, highest] = [Math.min(...ready), Math.max(...ready)];
  return [
    name,
    String(Math.round(seconds)),
    (requests / seconds).toFixed(0),
    ...[answered, mistakes, refused, failed].map(String),
    ...[p50, p95, p99].map((time) => (time === undefined ? '-' : `${time} ms`)),
    ready.length === 0 ? '-' : lowest === highest ? String(lowest) : `${lowest}–${highest}`,
  ];
}

function scalingLines({ scaling }: RunRecord): string[] {
  if (scaling === undefined) return [];
  const { lowest, highest, decided, ready, turns } = scaling;
  if (decided === undefined)
    return [`The number of pods stayed ${lowest === highest ? lowest : `${lowest} to ${highest}`}.`];
  const all = ready === undefined ? 'never all of them ready' : `all ready after ${ready} s`;
  return [
    `From ${lowest} to ${highest} pods: decided ${decided} s after the first request, ${all}; ` +
      `${turns} change${turns === 1 ? '' : 's'} of direction.`,
  ];
}

function noteLines({ dropped, replicasProblem, failures }: RunRecord): string[] {
  const lines: string[] = [];
  if (dropped > 0) lines.push(`${dropped} requests were due and not sent, since all clients were waiting for answers.`);
  if (replicasProblem !== undefined) lines.push(`Pods could not be read at the end: ${replicasProblem}.`);
  const kinds = new Map<string, number>();
  for (const { status, error } of failures) {
    const kind = error ?? `status ${status}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  for (const [kind, count] of kinds) lines.push(`${count} times ${kind}`);
  return lines;
}
