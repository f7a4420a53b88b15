import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { command } from '@gitops/report/command-line';
import { CommandError } from '@gitops/report/errors';
import { pnpmOfService, root } from '../pnpm.ts';
import { POLICY, reportFindings } from '../report-findings.ts';
import { acceptancesOf, readAudit, readPolicy, type Vulnerability } from '../vulnerabilities.ts';

export default command({
  summary: "fail for known vulnerabilities of the service's npm packages that the policy does not accept",
  options: {},
  run: async (output) => {
    const policy = readPolicy(readFileSync(resolve(root, POLICY), 'utf8'), POLICY);
    reportFindings(audit(), acceptancesOf(policy, 'packages'), output);
    return Promise.resolve();
  },
});

/** What npm's registry knows. Throws CommandError where it does not answer: unknown is not free of vulnerabilities. */
function audit(): Vulnerability[] {
  const { code, stdout, stderr } = pnpmOfService('audit', '--json');
  try {
    return readAudit(stdout);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const reason = stderr
      .replaceAll(/[\s│×]+/g, ' ')
      .replaceAll('/ ', '/')
      .trim();
    throw new CommandError(
      `pnpm audit failed (exit code ${String(code)}): ${reason}`,
      'check the network and run it again',
    );
  }
}
