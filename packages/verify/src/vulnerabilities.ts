import { parse } from 'yaml';
import { CommandError } from '@gitops/report/errors';

export const SEVERITIES = ['info', 'low', 'moderate', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** A known vulnerability of a package, as npm's advisories or ECR's scan of the image name it. */
export interface Vulnerability {
  /** GHSA-xxxx-xxxx-xxxx of a package of the service, CVE-2026-12345 of one in the image */
  readonly advisory: string;
  readonly severity: Severity;
  readonly package: string;
  readonly version: string;
  readonly title: string;
  /** `>=1.2.3` */
  readonly fixedIn: string;
}

/** Which vulnerabilities stop a release. */
export interface Policy {
  readonly failFrom: Severity;
  readonly accepted: readonly {
    readonly advisory: string;
    /** The last day of the acceptance, 2027-01-31. */
    readonly until: string;
    readonly reason: string;
  }[];
}

/** A vulnerability, and what the policy says to it. */
export interface Finding extends Vulnerability {
  readonly verdict: 'stops the release' | 'below the limit' | `accepted until ${string}`;
}

/**
 * Reads a policy.
 * @param file its name, for messages
 * Throws CommandError for a file of another shape, with every problem.
 */
export function readPolicy(text: string, file: string): Policy {
  const policy = parse(text) as { failFrom?: unknown; accepted?: unknown } | null;
  const problems: string[] = [];
  if (!SEVERITIES.some((severity) => severity === policy?.failFrom))
    problems.push(`failFrom must be one of ${SEVERITIES.join(', ')}`);
  if (!Array.isArray(policy?.accepted)) problems.push('accepted must be a list');
  else
    for (const [index, entry] of (policy.accepted as Record<string, unknown>[]).entries())
      problems.push(...entryProblems(entry).map((problem) => `accepted.${index}: ${problem}`));
  for (const key of Object.keys(policy ?? {}))
    if (!['failFrom', 'accepted'].includes(key)) problems.push(`unknown key ${key}`);
  if (problems.length > 0)
    throw new CommandError(problems.map((problem) => `${file}: ${problem}`).join('\n'), 'correct the policy');
  return policy as Policy;
}

function entryProblems(entry: Record<string, unknown> | null): string[] {
  const problems: string[] = [];
  const isText = (key: string, pattern: RegExp): boolean => {
    const value = entry?.[key];
    return typeof value === 'string' && pattern.test(value);
  };
  if (!isText('advisory', /^(GHSA(-[0-9a-z]{4}){3}|CVE-\d{4}-\d{4,}|UNSUPPORTED_IMAGE)$/))
    problems.push('advisory must be a GHSA or CVE number, or UNSUPPORTED_IMAGE');
  if (!isText('until', /^\d{4}-\d\d-\d\d$/)) problems.push('until must be a quoted day, "2027-01-31"');
  if (!isText('reason', /\S{3}/)) problems.push('reason is missing');
  return problems;
}

/**
 * A policy with the acceptances of one scan alone: of the service's packages (GHSA numbers) or of its image (all others).
 * Neither scan can say that nothing has what the other one finds.
 */
export const acceptancesOf = ({ failFrom, accepted }: Policy, scan: 'packages' | 'image'): Policy => ({
  failFrom,
  accepted: accepted.filter(({ advisory }) => advisory.startsWith('GHSA-') === (scan === 'packages')),
});

/** What `pnpm audit --json` prints, as far as it is read here. */
interface Audit {
  readonly advisories: Readonly<
    Record<
      string,
      {
        readonly findings: readonly { readonly version: string }[];
        readonly title: string;
        readonly module_name: string;
        readonly patched_versions: string;
        readonly severity: Severity;
        readonly github_advisory_id: string;
      }
    >
  >;
}

/** The vulnerabilities in the output of `pnpm audit --json`. Throws SyntaxError where it is something else. */
export function readAudit(json: string): Vulnerability[] {
  const found: Vulnerability[] = [];
  for (const advisory of Object.values((JSON.parse(json) as Audit).advisories))
    for (const { version } of advisory.findings)
      found.push({
        advisory: advisory.github_advisory_id,
        severity: advisory.severity,
        package: advisory.module_name,
        version,
        title: advisory.title,
        fixedIn: advisory.patched_versions,
      });
  return found;
}

/**
 * What the policy says to each vulnerability, the worst first, and the acceptances that match none.
 * @param today 2026-11-25
 */
export function judge(
  vulnerabilities: readonly Vulnerability[],
  { failFrom, accepted }: Policy,
  today: string,
): { readonly findings: readonly Finding[]; readonly unused: readonly string[] } {
  const rank = (severity: Severity): number => SEVERITIES.indexOf(severity);
  const findings = vulnerabilities.map((vulnerability): Finding => {
    const acceptance = accepted.find(({ advisory }) => advisory === vulnerability.advisory);
    if (acceptance !== undefined && today <= acceptance.until)
      return { ...vulnerability, verdict: `accepted until ${acceptance.until}` };
    const stops = rank(vulnerability.severity) >= rank(failFrom);
    return { ...vulnerability, verdict: stops ? 'stops the release' : 'below the limit' };
  });
  const known = new Set(vulnerabilities.map(({ advisory }) => advisory));
  return {
    findings: findings.sort((a, b) => rank(b.severity) - rank(a.severity)),
    unused: accepted.map(({ advisory }) => advisory).filter((advisory) => !known.has(advisory)),
  };
}
