import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { command } from '@gitops/report/command-line';
import { CommandError } from '@gitops/report/errors';
import { table } from '@gitops/report/table';
import { pnpmOfService, root } from '../pnpm.ts';
import { judge, readAudit, readPolicy, type Vulnerability } from '../vulnerabilities.ts';

export const POLICY = '.github/vulnerability-policy.yaml';

export default command({
  summary: "fail for known vulnerabilities of the service's npm packages that the policy does not accept",
  options: {},
  run: async ({ json, print, fail }) => {
    const policy = readPolicy(readFileSync(resolve(root, POLICY), 'utf8'), POLICY);
    const vulnerabilities = audit();
    const { findings, unused } = judge(vulnerabilities, policy, new Date().toISOString().slice(0, 10));
    if (json) print(JSON.stringify({ findings, unused }, null, 2));
    else if (findings.length === 0) print('no known vulnerabilities');
    else {
      const rows = findings.map((one) => [
        `${one.package} ${one.version}`,
        one.severity,
        one.advisory,
        one.title,
        one.fixedIn,
        one.verdict,
      ]);
      print(table(['PACKAGE', 'SEVERITY', 'ADVISORY', 'TITLE', 'FIXED IN', 'VERDICT'], rows));
    }
    const stopping = findings.filter(({ verdict }) => verdict === 'stops the release');
    if (stopping.length > 0)
      fail(`${stopping.length} of them stop a release: upgrade the packages, or accept the advisories in ${POLICY}`);
    if (unused.length > 0) fail(`${POLICY} accepts ${unused.join(', ')}, which nothing has any more: remove the entry`);
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
