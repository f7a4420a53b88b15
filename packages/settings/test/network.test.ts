import { resolve } from 'node:path';
import t from 'tap';
import { overlaps, parseCidr } from '@gitops/subnets/cidr';
import { PlanError } from '@gitops/subnets/plan';
import { subnetPlan } from '../src/network.ts';
import { clusterNames, readCluster } from '../src/settings.ts';

const root = resolve(import.meta.dirname, '../../..');
const ZONES = ['us-east-1a', 'us-east-1b', 'us-east-1c', 'us-east-1d'];

t.test('large subnets for pods, small ones for load balancers, one of each a zone', (t) => {
  t.same(subnetPlan({ cidr: '10.0.0.0/16', zones: ZONES.slice(0, 2) }), [
    { tier: 'private', zone: 'us-east-1a', cidr: '10.0.0.0/19' },
    { tier: 'private', zone: 'us-east-1b', cidr: '10.0.32.0/19' },
    { tier: 'public', zone: 'us-east-1a', cidr: '10.0.128.0/24' },
    { tier: 'public', zone: 'us-east-1b', cidr: '10.0.129.0/24' },
  ]);
  t.end();
});

t.test('a zone added at the end moves no subnet of the others', (t) => {
  const four = subnetPlan({ cidr: '10.0.0.0/16', zones: ZONES });
  for (const count of [2, 3])
    t.same(
      subnetPlan({ cidr: '10.0.0.0/16', zones: ZONES.slice(0, count) }),
      four.filter(({ zone }) => ZONES.slice(0, count).includes(zone)),
    );
  t.end();
});

t.test('a network that lacks room for the zones to come is refused from the start', (t) => {
  t.throws(() => subnetPlan({ cidr: '10.0.0.0/17', zones: ZONES.slice(0, 2) }), PlanError);
  t.end();
});

t.test("the subnets of the repository's clusters share no address", (t) => {
  for (const name of clusterNames(root)) {
    const settings = readCluster(root, name);
    if (settings.provider !== 'aws') continue;
    const cidrs = subnetPlan(settings.network).map(({ cidr }) => parseCidr(cidr));
    t.equal(cidrs.length, 2 * settings.network.zones.length, name);
    t.notOk(
      cidrs.some((a, index) => cidrs.slice(index + 1).some((b) => overlaps(a, b))),
      name,
    );
  }
  t.end();
});
