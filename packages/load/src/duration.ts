import { text } from '@gitops/report/options';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };
const FORM = /^(\d{1,5})([smh])$/;

function durationProblem(text: string): string | undefined {
  return secondsOf(text) > 0 ? undefined : `must be a time such as 30s, 10m or 1h (it is ${JSON.stringify(text)})`;
}

/** An option whose value is a time such as 10m. */
export const durationOption = (summary: string) =>
  text(summary, { placeholder: 'TIME', example: '10m', problem: durationProblem });

/** 10m in seconds; 0 where it is no duration. */
export function secondsOf(text: string): number {
  const [, count = '0', unit = 's'] = FORM.exec(text) ?? [];
  return Number(count) * (UNITS[unit] ?? 0);
}
