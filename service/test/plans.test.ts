import t from 'tap';
import { build, metric } from './helper.ts';

const request = {
  cidr: '10.0.7.0/16',
  zones: ['a', 'b'],
  tiers: [
    { name: 'public', prefixLength: 20 },
    { name: 'private', prefixLength: 18 },
  ],
};

t.test('a plan lays out each tier in each zone, with all facts, and says what is left', async (t) => {
  const service = await build(t);
  const response = await service.api.inject({
    method: 'POST',
    url: '/v1/plans',
    payload: { ...request, taken: ['10.0.0.0/24'] },
  });
  t.equal(response.statusCode, 200);
  t.match(response.json(), {
    cidr: '10.0.0.0/16',
    family: 4,
    subnets: [
      {
        tier: 'public',
        zone: 'a',
        cidr: '10.0.16.0/20',
        family: 4,
        network: '10.0.16.0',
        broadcast: '10.0.31.255',
        netmask: '255.255.240.0',
        prefixLength: 20,
        addresses: '4096',
        firstHost: '10.0.16.1',
        lastHost: '10.0.31.254',
      },
      { tier: 'public', zone: 'b', cidr: '10.0.32.0/20' },
      { tier: 'private', zone: 'a', cidr: '10.0.64.0/18' },
      { tier: 'private', zone: 'b', cidr: '10.0.128.0/18' },
    ],
    free: ['10.0.1.0/24', '10.0.2.0/23', '10.0.4.0/22', '10.0.8.0/21', '10.0.48.0/20', '10.0.192.0/18'],
  });
  t.equal(await metric(service, 'subnet_plans_total{outcome="planned"}'), 1);
  t.equal(await metric(service, 'subnet_plan_subnets_total'), 4);
});

t.test('a plan of IPv6, to the last address', async (t) => {
  const { api } = await build(t);
  const response = await api.inject({
    method: 'POST',
    url: '/v1/plans',
    payload: { cidr: '2001:db8::/127', zones: ['a', 'b'], tiers: [{ name: 'host', prefixLength: 128 }] },
  });
  t.match(response.json(), {
    subnets: [
      { cidr: '2001:db8::/128', broadcast: null, addresses: '1' },
      { cidr: '2001:db8::1/128', lastHost: '2001:db8::1' },
    ],
    free: [],
  });
});

t.test('a plan that does not fit is 422 and says what does not, and why', async (t) => {
  const service = await build(t);
  const response = await service.api.inject({
    method: 'POST',
    url: '/v1/plans',
    payload: { ...request, cidr: '10.0.0.0/17' },
  });
  t.equal(response.statusCode, 422);
  t.match(response.json(), {
    type: /:plan-does-not-fit$/,
    status: 422,
    detail:
      'The plan does not fit: the /20 of tier "public" in zone "a" does not fit into 10.0.0.0/17: 2 of 4 subnets are placed and nothing of it is left.',
  });
  t.equal(await metric(service, 'subnet_plans_total{outcome="does-not-fit"}'), 1);
  t.equal(await metric(service, 'cache_entries'), 0, 'and is not kept');
});

t.test('the largest request is answered', async (t) => {
  const { api } = await build(t);
  const payload = {
    cidr: '::/0',
    zones: Array.from({ length: 16 }, (_, index) => `zone-${index}`),
    tiers: Array.from({ length: 64 }, (_, index) => ({ name: `tier-${index}`, prefixLength: 64 + index })),
    taken: Array.from({ length: 64 }, (_, index) => `${(index * 1024).toString(16)}::/128`),
  };
  const response = await api.inject({ method: 'POST', url: '/v1/plans', payload });
  t.equal(response.statusCode, 200);
  t.equal(response.json<{ subnets: unknown[] }>().subnets.length, 1024);
});

t.test(
  'bodies are taken as they are: nothing is converted, nothing dropped, every mistake is pointed at',
  async (t) => {
    const { api } = await build(t);
    const cases: [payload: object, errors: object[]][] = [
      [{}, [{ pointer: '#/cidr', detail: 'is missing' }, { pointer: '#/zones' }, { pointer: '#/tiers' }]],
      [{ ...request, cidr: '10.0.0.0/33' }, [{ pointer: '#/cidr', detail: /from 0 to 32/ }]],
      [{ ...request, cidr: 10 }, [{ pointer: '#/cidr', detail: 'must be string' }]],
      [{ ...request, cidr: null }, [{ pointer: '#/cidr' }]],
      [{ ...request, zones: 'a' }, [{ pointer: '#/zones', detail: 'must be array' }]],
      [{ ...request, zones: ['a', 'a'] }, [{ pointer: '#/zones' }]],
      [{ ...request, zones: [] }, [{ pointer: '#/zones' }]],
      [
        { ...request, tiers: [{ name: 'a', prefixLength: '20' }] },
        [{ pointer: '#/tiers/0/prefixLength', detail: 'must be integer' }],
      ],
      [{ ...request, tiers: [{ name: 'a', prefixLength: 20.5 }] }, [{ pointer: '#/tiers/0/prefixLength' }]],
      [{ ...request, tiers: [{ name: 'a', prefixLength: true }] }, [{ pointer: '#/tiers/0/prefixLength' }]],
      [
        { ...request, tiers: [{ name: 'a', prefixLength: 20, size: 1 }] },
        [{ pointer: '#/tiers/0/size', detail: 'unknown field' }],
      ],
      [{ ...request, 'a/b~c d': 1 }, [{ pointer: '#/a~1b~0c%20d' }]],
      [
        {
          ...request,
          tiers: [
            { name: 'a', prefixLength: 20 },
            { name: 'a', prefixLength: 21 },
          ],
        },
        [{ pointer: '#/tiers/1/name' }],
      ],
      [{ ...request, taken: ['10.0.0.0/8', 'x'] }, [{ pointer: '#/taken/1' }]],
      [[], [{ pointer: '#', detail: 'must be object' }]],
    ];
    for (const [payload, errors] of cases) {
      const response = await api.inject({ method: 'POST', url: '/v1/plans', payload });
      const name = JSON.stringify(payload);
      t.equal(response.statusCode, 400, name);
      const problem = response.json<{ errors: object[] }>();
      t.match(problem, { type: /:invalid-request$/, errors: errors.map((error) => ({ in: 'body', ...error })) }, name);
      t.equal(problem.errors.length, errors.length, `${errors.length} mistakes`);
    }
  },
);

t.test('of a thousand mistakes, twenty are reported', async (t) => {
  const { api } = await build(t);
  const response = await api.inject({
    method: 'POST',
    url: '/v1/plans',
    payload: Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`x${index}`, 1])),
  });
  t.equal(response.json<{ errors: object[] }>().errors.length, 20);
});
