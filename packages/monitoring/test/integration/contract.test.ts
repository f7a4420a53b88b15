import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ARGOCD_VERSION } from '@gitops/tools/tools';
import { breaches, breachText } from '../../src/contract/contract.ts';
import { documented, type Exported, metricsOf, type Scrape, scraped } from '../../src/contract/exported.ts';
import { type Monitor, scrapesOf } from '../../src/contract/monitors.ts';
import { rulesOf, usersOfDashboards, usersOfRules } from '../../src/contract/users.ts';
import { DASHBOARDS } from '../../src/dashboards.ts';
import { makeRequests, overload, programs, render, renderMonitoring, root, sendGarbage, service } from '../helper.ts';

const helm = join(await programs('stack'), 'helm');
const objects = await renderMonitoring(helm, 'production');
const rules = rulesOf(objects as Parameters<typeof rulesOf>[0]);
const scrapes = scrapesOf(objects as Monitor[]);

const scrapeOf = (name: string): Scrape => {
  const scrape = scrapes.get(name);
  if (scrape === undefined) throw new Error(`charts/monitoring has no monitor ${name}`);
  return scrape;
};

/** What the real service exports after a request of each kind. */
async function serviceMetrics(t: Test): Promise<Exported> {
  const { api, admin } = await service(t);
  await makeRequests(api);
  await sendGarbage(api);
  const calm = metricsOf(await (await fetch(`${admin}/metrics`)).text());
  for (const [metric, labels] of await shedMetrics(t))
    calm.set(metric, new Set([...labels, ...(calm.get(metric) ?? [])]));
  return { source: 'the service', jobs: ['fastify-service'], metrics: scraped(calm, scrapeOf('fastify-service')) };
}

/** What a service that is overloaded exports. */
async function shedMetrics(t: Test): Promise<Map<string, Set<string>>> {
  const { api, admin } = await service(t, { LOAD_SHEDDING: 'on', CACHE_MAX_BYTES: '0' });
  await overload(api);
  return metricsOf(await (await fetch(`${admin}/metrics`)).text());
}

t.test('every metric, label and job that a rule or panel asks for is exported', { timeout: 120_000 }, async (t) => {
  const exported = [await serviceMetrics(t), ...documented(root, scrapes)];
  const users = [...usersOfRules(rules), ...usersOfDashboards(DASHBOARDS)];
  t.ok(rules.length > 60 && users.length > rules.length + 60, `${rules.length} rules, ${users.length} expressions`);
  const found = breaches(users, rules, exported);
  t.strictSame(found.map(breachText), [], found.map(breachText).join('\n'));

  const asking = (expr: string) => usersOfRules([{ of: 'mine', alert: 'Mine', expr }]);
  const places = ['PrometheusRule mine: alert Mine'];
  const gone = (metric: string) => ({ problem: `nobody exports the metric ${metric}`, places });
  t.strictSame(breaches(asking('container_cpu_cfs_throttled_periods_total'), rules, exported), []);
  for (const metric of [
    'nodejs_gc_duration_seconds_bucket',
    'container_cpu_cfs_throttled_seconds_total',
    'container_memory_swap',
  ])
    t.strictSame(breaches(asking(metric), rules, exported), [gone(metric)], 'what a monitor drops does not count');
  t.match(breaches(asking('up{job="argocd-server"}'), rules, exported), [
    { problem: /^no job argocd-server exports up/ },
  ]);

  const rename = ([name, labels]: [string, ReadonlySet<string>]): [string, ReadonlySet<string>] => [
    name.replace('_in_flight', '_running'),
    labels,
  ];
  const renamed = exported.map((each) => ({ ...each, metrics: new Map(Array.from(each.metrics, rename)) }));
  t.strictSame(
    breaches(usersOfDashboards(DASHBOARDS), rules, renamed),
    [
      {
        problem: 'nobody exports the metric http_requests_in_flight',
        places: ['src/dashboards/service.ts: Now/In flight', 'src/dashboards/service.ts: Saturation/In flight by pod'],
      },
    ],
    'a metric that gets another name fails, and all places are named',
  );
});

t.test('what is recorded of Argo CD is of the version that is built here', (t) => {
  const { source } = documented(root, scrapes).find((each) => each.source.startsWith('Argo CD')) ?? {};
  t.equal(
    source,
    `Argo CD ${ARGOCD_VERSION}`,
    'compare exported/argocd.yaml with the new version, then raise its version',
  );
  t.end();
});

t.test('the objectives dashboard names the factors of the burn-rate alerts', (t) => {
  const alerts = rules.filter(({ alert = '' }) => alert.startsWith('AvailabilityBudgetBurn'));
  const factors = alerts.map(({ alert = '' }) => /(\d+)x$/.exec(alert)?.[1] ?? alert);
  const panels = DASHBOARDS.slo?.rows.flatMap((row) => row.panels) ?? [];
  const { description = '' } = panels.find(({ title }) => title === 'Availability burn rates') ?? {};
  const named = Array.from(description.matchAll(/(\d+)(?:\.\d+)? \(/g), ([, factor]) => String(factor));
  t.strictSame(named, factors);
  t.equal(factors.length, 4);
  t.end();
});

interface Autoscaler {
  readonly kind: string;
  readonly spec: {
    readonly metrics: readonly {
      readonly type: string;
      readonly resource?: { readonly name: string };
      readonly containerResource?: { readonly name: string; readonly container: string };
    }[];
  };
}
interface Deployment {
  readonly kind: string;
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly { readonly name: string }[] } };
  };
}

t.test('autoscalers ask for what metrics-server knows: CPU and memory of containers that are there', async (t) => {
  const cluster = 'production';
  const values = ['shared/fastify-service', `${cluster}/fastify-service`, `${cluster}/fastify-service.image`];
  const files = values.map((name) => `clusters/${name}.yaml`);
  const rendered = await render(helm, 'fastify-service', files, {
    'image.repository': 'registry.example.com/fastify-service',
    'networkPolicy.loadBalancerCidrs[0]': '10.0.0.0/16',
  });
  const autoscalers = (rendered as Autoscaler[]).filter(({ kind }) => kind === 'HorizontalPodAutoscaler');
  const deployments = (rendered as Deployment[]).filter(({ kind }) => kind === 'Deployment');
  const containers = deployments.flatMap(({ spec }) => spec.template.spec.containers.map(({ name }) => name));
  t.ok(autoscalers.length > 0, 'there is one');
  for (const { spec } of autoscalers)
    for (const { type, resource, containerResource } of spec.metrics) {
      t.match(type, /^(Container)?Resource$/, 'no metric that an adapter would have to bring');
      t.match((resource ?? containerResource)?.name, /^(cpu|memory)$/);
      if (containerResource !== undefined)
        t.ok(containers.includes(containerResource.container), containerResource.container);
    }
});
