import type { Invocation } from '@gitops/report/command-line';
import { table } from '@gitops/report/table';
import { judge, type Policy, type Vulnerability } from './vulnerabilities.ts';

/** The file of the policy. */
export const POLICY = '.github/vulnerability-policy.yaml';

/** Prints vulnerabilities with what the policy says to each, and fails where one stops a release. */
export function reportFindings(
  vulnerabilities: readonly Vulnerability[],
  policy: Policy,
  { json, print, fail }: Pick<Invocation, 'json' | 'print' | 'fail'>,
): void {
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
    fail(`${stopping.length} of them stop a release: upgrade what has them, or accept the advisories in ${POLICY}`);
  if (unused.length > 0) fail(`${POLICY} accepts ${unused.join(', ')}, which nothing has any more: remove the entry`);
}
