import { appendFileSync } from 'node:fs';

/**
 * Hands values to the next steps of a GitHub job: `steps.ID.outputs.NAME`. Outside of a job, where GITHUB_OUTPUT is not
 * set, it does nothing.
 * Throws Error for a value of more than one line, which could set other outputs.
 */
export function setJobOutputs(values: Readonly<Record<string, string>>, env: NodeJS.ProcessEnv = process.env): void {
  const { GITHUB_OUTPUT: file = '' } = env;
  if (file === '') return;
  const lines = Object.entries(values).map(([name, value]) => {
    if (/[\r\n]/.test(value)) throw new Error(`the output ${name} has more than one line`);
    return `${name}=${value}\n`;
  });
  appendFileSync(file, lines.join(''));
}
