import t from 'tap';
import { type AwsClusterSettings, readCluster } from '@gitops/settings';
import { requireVcpus, requireZones } from '../src/commands/account.ts';
import { type Change, repository, repositoryWith } from './platform-in-tests.ts';

// What AWS alone knows of an account stops an apply before it begins, with file, line and key.

const production = readCluster(repository, 'production') as AwsClusterSettings;
const zones = (ids: Readonly<Record<string, string>>) => ({
  zones: async () => Promise.resolve(new Map(Object.entries(ids))),
});
const quota = (most: number | undefined) => ({ quota: async () => Promise.resolve(most) });

t.test('zones by the ids that an account has them by', async (t) => {
  const ids = { 'us-east-1a': 'use1-az1', 'us-east-1b': 'use1-az2', 'us-east-1c': 'use1-az4' };
  await requireZones(production, repository, zones(ids));
  await requireZones(production, repository, zones({}));
  await t.rejects(requireZones(production, repository, zones({ ...ids, 'us-east-1b': 'use1-az3' })), {
    message:
      /^clusters\/production\/cluster\.yaml:8: network\.zones\.1: must be another zone: in account 333333333333 it is use1-az3, and EKS places no control plane there \(it is "us-east-1b"\)/,
  });
  await t.rejects(requireZones(production, repository, zones({ 'us-east-1a': 'use1-az1', 'us-east-1b': 'use1-az2' })), {
    message:
      /^clusters\/production\/cluster\.yaml:8: network\.zones\.2: must be a zone of account 333333333333, which has us-east-1a, us-east-1b /,
  });
});

t.test('vCPUs of an ordinary day are required, and a warning tells what a cluster cannot grow to', async (t) => {
  // 3 nodes and 1 added, of 2 each; at most 9, 6 while they are updated, and 12 CPUs.
  t.same(await requireVcpus(production, repository, quota(42)), []);
  t.same(await requireVcpus(production, repository, quota(undefined)), []);
  t.match(await requireVcpus(production, repository, quota(8)), [
    /^warning: clusters\/production\/cluster\.yaml:\d+: nodeGroup\.maxSize: needs a higher quota: the settings ask for 42 vCPUs of on-demand instances in us-east-1 of account 333333333333, which has 8; /,
  ]);
  await t.rejects(requireVcpus(production, repository, quota(7)), {
    message:
      /^clusters\/production\/cluster\.yaml:\d+: nodeGroup\.desiredSize: needs a higher quota: the settings ask for 8 /,
  });
  const together: Change[] = [['staging', 'accountId: "222222222222"', 'accountId: "333333333333"']];
  const root = repositoryWith(t.testdir({}), together);
  t.match(await requireVcpus(production, root, quota(42)), [/ask for 70 vCPUs/], 'clusters of one account share it');
});
