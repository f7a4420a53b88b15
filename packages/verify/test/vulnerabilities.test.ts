import t from 'tap';
import {
  acceptancesOf,
  judge,
  type Policy,
  readAudit,
  readPolicy,
  type Vulnerability,
} from '../src/vulnerabilities.ts';

const POLICY = `failFrom: high
accepted:
  - advisory: GHSA-aaaa-bbbb-cccc
    until: "2027-01-31"
    reason: not reachable
`;

const vulnerability = (advisory: string, severity: Vulnerability['severity']): Vulnerability => ({
  ...{ advisory, severity, package: 'fastify', version: '5.0.0', title: 'A made-up one', fixedIn: '>=5.0.1' },
});

t.test('a severity from the limit on stops a release, unless it is accepted', (t) => {
  const policy = readPolicy(POLICY, 'policy.yaml');
  const verdicts = (today: string): string[] =>
    judge(
      [
        vulnerability('GHSA-1111-1111-1111', 'moderate'),
        vulnerability('GHSA-2222-2222-2222', 'high'),
        vulnerability('GHSA-aaaa-bbbb-cccc', 'critical'),
      ],
      policy,
      today,
    ).findings.map(({ severity, verdict }) => `${severity}: ${verdict}`);
  t.strictSame(verdicts('2027-01-31'), [
    'critical: accepted until 2027-01-31',
    'high: stops the release',
    'moderate: below the limit',
  ]);
  t.strictSame(verdicts('2027-02-01'), [
    'critical: stops the release',
    'high: stops the release',
    'moderate: below the limit',
  ]);
  t.end();
});

t.test('an acceptance that matches nothing is reported', (t) => {
  t.strictSame(judge([], readPolicy(POLICY, 'policy.yaml'), '2026-11-25'), {
    findings: [],
    unused: ['GHSA-aaaa-bbbb-cccc'],
  });
  t.end();
});

t.test('an acceptance belongs to one scan, and the other one does not miss it', (t) => {
  const entry = (advisory: string) => ({ advisory, until: '2027-01-31', reason: 'not reachable' });
  const [ours, ...ofImage] = ['GHSA-aaaa-bbbb-cccc', 'CVE-2026-12345', 'UNSUPPORTED_IMAGE'].map(entry);
  const policy = readPolicy(JSON.stringify({ failFrom: 'high', accepted: [ours, ...ofImage] }), 'policy.yaml');
  t.strictSame(acceptancesOf(policy, 'packages').accepted, [ours]);
  t.strictSame(acceptancesOf(policy, 'image').accepted, ofImage);
  t.end();
});

t.test('a policy of another form is refused, with every problem', (t) => {
  for (const [from, to, problem] of [
    ['high', 'severe', 'policy.yaml: failFrom must be one of info, low, moderate, high, critical'],
    ['accepted:', 'ignored:', 'policy.yaml: accepted must be a list\npolicy.yaml: unknown key ignored'],
    [
      'GHSA-aaaa-bbbb-cccc',
      'CVE-2026-1',
      'policy.yaml: accepted.0: advisory must be a GHSA or CVE number, or UNSUPPORTED_IMAGE',
    ],
    ['"2027-01-31"', 'soon', 'policy.yaml: accepted.0: until must be a quoted day, "2027-01-31"'],
    ['not reachable', '""', 'policy.yaml: accepted.0: reason is missing'],
  ] as const)
    t.throws(() => readPolicy(POLICY.replace(from, to), 'policy.yaml'), { message: problem });
  t.throws(() => readPolicy('', 'policy.yaml'), /failFrom must be one of/);
  t.end();
});

t.test('what pnpm audit prints is read; anything else is an error', (t) => {
  const advisory = {
    findings: [{ version: '5.0.0' }, { version: '4.0.0' }],
    title: 'A made-up one',
    module_name: 'fastify',
    patched_versions: '>=5.0.1',
    severity: 'high',
    github_advisory_id: 'GHSA-2222-2222-2222',
  };
  const found = readAudit(JSON.stringify({ advisories: { 1: advisory } }));
  t.strictSame(found[0], vulnerability('GHSA-2222-2222-2222', 'high'));
  t.equal(found[1]?.version, '4.0.0');
  t.throws(() => readAudit(''), SyntaxError);
  const none: Policy = { failFrom: 'info', accepted: [] };
  t.strictSame(judge(readAudit('{"advisories":{}}'), none, '2026-11-25').findings, []);
  t.end();
});
