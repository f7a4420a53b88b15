import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readYamlFile, valueAt } from '@gitops/settings/yaml-file';
import { requestWith } from '../src/commands/explanation.ts';
import { changesBetween } from '../src/kubernetes/changes.ts';
import { chartOf } from '../src/render/chart.ts';
import { declarationOf } from '../src/render/declaration.ts';
import { type FleetApplication, renderFleet } from '../src/render/fleet.ts';
import { flips, readValueSchema, schemaAt } from '../src/render/flips.ts';
import type { Application, RenderRequest } from '../src/render/renderer.ts';
import { layersOf, leaves, merged } from '../src/render/values.ts';
import type { Values } from './chart-values.ts';
import { brokenPromises } from './facts.ts';
import { open, root } from './helper.ts';

const CHART = 'charts/fastify-service';
const { renderer, proofsOf } = await open(t);
const { capabilities, ofObjects } = proofsOf(root);

/** What CI records of the image beside it: `make check` compares it with the nodes (test/mistakes/facts.ts). */
const UNRENDERED = ['image.platforms'];

/**
 * Values under which the chart is rendered: those of each cluster, and the chart's own sets for what no cluster
 * switches on.
 */
interface Base {
  readonly name: string;
  readonly request: RenderRequest;
  readonly values: Values;
  readonly entry: FleetApplication;
}

const applications = (await renderFleet(renderer, root, { capabilities })).filter(({ chart }) => chart?.name === CHART);
const baseOf = (name: string, entry: FleetApplication): Base => ({
  name,
  entry,
  request: entry.request,
  values: merged(
    layersOf(root, entry.chart, declarationOf(root, entry.application.metadata.name)),
  ) as unknown as Values,
});
const clusters = applications.map((entry) => baseOf(entry.cluster.name, entry));
const sets = await Promise.all(
  readdirSync(join(root, CHART, 'ci')).map(async (file) => {
    const [entry] = applications;
    if (entry === undefined) throw new Error('no cluster renders the chart');
    const source = {
      repoURL: 'https://example.com/x.git',
      path: CHART,
      helm: { releaseName: 'fastify-service', valueFiles: [`ci/${file}`] },
    };
    const application: Application = { ...entry.application, spec: { ...entry.application.spec, source } };
    const request = { ...entry.request, application };
    const [rendered] = await renderer.render(root, [request]);
    if (rendered === undefined) throw new Error('no answer');
    return baseOf(file, { ...entry, application, chart: chartOf(root, application, []), request, rendered });
  }),
);
const bases = [...clusters, ...sets];

for (const { name, entry, values } of bases) {
  t.test(`${name}: every value does what it promises`, (t) => {
    t.ok(entry.rendered.ok, entry.rendered.ok ? '' : entry.rendered.error);
    if (entry.rendered.ok) t.strictSame(brokenPromises(values, entry.rendered.value), []);
    t.end();
  });
}

t.test('every value set of the chart holds what the clusters hold', async (t) => {
  const rules = ofObjects.filter(({ name }) => ['strict schemas', 'workload rules'].includes(name));
  t.ok(sets.length >= 3 && rules.length === 2);
  for (const { name, prove } of rules) t.strictSame(await prove(sets.map(({ entry }) => entry)), [], name);
});

t.test(
  'no value is dead, and none untested: another one changes what is rendered and breaks a promise, or is refused',
  { timeout: 200_000 },
  async (t) => {
    const schema = readValueSchema(join(root, CHART));
    const keys = leaves(readYamlFile(root, `${CHART}/values.yaml`).content)
      .map((leaf) => leaf.keys)
      .filter((path) => !UNRENDERED.includes(path.join('.')));
    t.ok(keys.length > 40, `${keys.length} values`);
    const alive = new Set<string>();
    const tested = new Set<string>();
    let renders = 0;
    // Base by base, the first choice of each value before the second: most are settled by the first render.
    for (const choice of [0, 1]) {
      for (const base of bases) {
        const attempts = keys.flatMap((path) => {
          const key = path.join('.');
          const other = flips(valueAt(base.values, path), schemaAt(schema, path))[choice];
          return tested.has(key) || other === undefined ? [] : [{ key, request: requestWith(base.entry, path, other) }];
        });
        const outcomes = await renderer.render(
          root,
          attempts.map(({ request }) => request),
        );
        renders += attempts.length;
        attempts.forEach(({ key }, index) => {
          const outcome = outcomes[index];
          if (outcome === undefined) return;
          if (!outcome.ok) {
            // Refused by one of the chart's own rules, which watches it therefore; what merely breaks its form proves
            // nothing.
            if (outcome.error.includes('fastify-service: ') && outcome.error.includes(key))
              for (const found of [alive, tested]) found.add(key);
            return;
          }
          if (!base.entry.rendered.ok || changesBetween(base.entry.rendered.value, outcome.value).length === 0) return;
          alive.add(key);
          if (brokenPromises(base.values, outcome.value).length > 0) tested.add(key);
        });
      }
    }
    const names = keys.map((path) => path.join('.'));
    t.comment(`${renders} renders of ${names.length} values`);
    t.strictSame(
      names.filter((name) => !alive.has(name)),
      [],
      'dead',
    );
    t.strictSame(
      names.filter((name) => !tested.has(name)),
      [],
      'untested',
    );
  },
);
