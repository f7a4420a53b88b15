import { resolve } from 'node:path';
import t from 'tap';
import { daysOfSupport, supportProblem } from '../src/eks-versions.ts';
import { readClusters } from '../src/settings.ts';

// An upgrade wants a quarter of a year: one minor version at a time, cluster after cluster.
const NOTICE = 90;

t.test('the clusters run a Kubernetes with 90 days of standard support left, today', (t) => {
  for (const { name, kubernetesVersion } of readClusters(resolve(import.meta.dirname, '../../..'))) {
    const days = daysOfSupport(kubernetesVersion, new Date());
    t.ok(
      days !== undefined && days >= NOTICE,
      `${name}: Kubernetes ${kubernetesVersion} has ${String(days)} days of support left; ` +
        'upgrade it (docs/guides/aws.md)',
    );
  }
  t.end();
});

t.test('a version is had up to the last day of its standard support', (t) => {
  t.equal(supportProblem('1.34', new Date('2026-12-01T23:00:00Z')), undefined);
  t.match(
    supportProblem('1.34', new Date('2026-12-03T00:00:00Z')),
    /^must be in EKS's standard support, which ended on 2026-12-02: 1\.35, 1\.36 /,
  );
  t.match(
    supportProblem('1.28', new Date('2026-12-03T00:00:00Z')),
    /^must be a version that EKS offers: 1\.35, 1\.36 /,
  );
  t.equal(daysOfSupport('1.36', new Date('2027-05-04T00:00:00Z')), 90);
  t.equal(daysOfSupport('1.28', new Date()), undefined);
  t.end();
});
