import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { changesBetween } from '../../src/kubernetes/changes.ts';
import { calledIn, surroundingsOf } from '../../src/proofs/flows.ts';
import { reachabilityTable } from '../../src/proofs/reachability.ts';
import { type FleetApplication, labelOf, renderFleet } from '../../src/render/fleet.ts';
import { rememberRenders } from '../../src/render/remember.ts';
import { placed, renderedOnly } from '../../src/render/rendered.ts';
import { copy, lacksCharts, open, root } from '../helper.ts';

const GUIDE = 'docs/guides/common-changes.md';

const { renderer, proofsOf, allProblems } = await open(t);
const remembering = rememberRenders(renderer);

/** The sections of the guide that change files, each with its patches. */
function sections(): { title: string; patches: string[] }[] {
  const [, ...parts] = readFileSync(join(root, GUIDE), 'utf8').split('\n## ');
  return parts
    .map((part) => ({
      title: part.slice(0, part.indexOf('\n')),
      patches: [...part.matchAll(/^```diff\n(.*?)^```$/gms)].map(([, patch = '']) => patch),
    }))
    .filter(({ patches }) => patches.length > 0);
}

/** Makes a change in a copy. */
function apply(folder: string, patch: string): void {
  const { status, stderr } = spawnSync('git', ['apply', '--recount', '-'], {
    cwd: folder,
    encoding: 'utf8',
    input: patch,
    // In a folder of a repository, Git would look for the files at its top.
    env: { ...process.env, GIT_CEILING_DIRECTORIES: dirname(folder) },
  });
  if (status !== 0) throw new Error(`${stderr}\n${patch}`);
}

const filesIn = (patches: readonly string[]): Set<string> =>
  new Set(patches.flatMap((patch) => [...patch.matchAll(/^\+\+\+ b\/(.+)$/gm)].map(([, file = '']) => file)));

const fleetOf = async (folder: string): Promise<FleetApplication[]> =>
  renderFleet(remembering, folder, { capabilities: proofsOf(folder).capabilities });

/** What differs in an Application, `object path` with what it becomes; checksums follow, and lists of root are long. */
function changed(label: string, before: readonly FleetApplication[], after: readonly FleetApplication[]): unknown {
  const objectsIn = (fleet: readonly FleetApplication[]) =>
    renderedOnly(fleet).find((entry) => labelOf(entry) === label)?.objects ?? [];
  const changes = changesBetween(objectsIn(before), objectsIn(after)).filter(
    ({ path }) => !path.includes('[checksum/'),
  );
  return Object.fromEntries(changes.map(({ object, path, after: value }) => [`${object} ${path}`.trim(), value]));
}

const isGiven = (host: string): object => ({
  host,
  http: {
    paths: [
      { path: '/', pathType: 'Prefix', backend: { service: { name: 'fastify-service', port: { name: 'http' } } } },
    ],
  },
});

t.test(`${GUIDE}: all of its changes together`, { timeout: 600_000 }, async (t) => {
  const before = await fleetOf(root);
  const folder = copy(t);
  const all = sections();
  t.equal(all.length, 6);
  for (const { title, patches } of all) {
    const files = filesIn(patches);
    t.ok(files.size <= 2, `${title}: ${[...files].join(', ')}`);
    for (const patch of patches) apply(folder, patch);
  }
  t.strictSame(await allProblems(folder), [], 'make check is clean');
  const after = await fleetOf(folder);

  t.strictSame(changed('production/fastify-service', before, after), {
    'NetworkPolicy/fastify-service spec.egress[1]': {
      to: ['10.2.160.0/24', '10.2.161.0/24', '10.2.162.0/24'].map((cidr) => ({ ipBlock: { cidr } })),
      ports: [{ protocol: 'TCP', port: 5432 }],
    },
  });
  t.strictSame(changed('staging/fastify-service', before, after), {
    'Ingress/fastify-service spec.rules[1]': isGiven('networks.staging.example.com'),
    'Ingress/fastify-service spec.rules[2]': isGiven('*.networks.staging.example.com'),
  });
  t.strictSame(changed('dev/fastify-service', before, after), {
    'ConfigMap/fastify-service data.CACHE_TTL_SECONDS': '600',
    'Ingress/fastify-service metadata.annotations[alb.ingress.kubernetes.io/scheme]': 'internal',
  });
  t.strictSame(changed('dev/monitoring', before, after), {
    'PrometheusRule/facts spec.groups[facts].rules[1].expr': 'vector(11.41)',
  });
  t.strictSame(changed('local/fastify-service', before, after), {});

  const flows = (label: string): string[] => {
    const entry = renderedOnly(after).find((each) => labelOf(each) === label);
    if (entry === undefined) throw new Error(`${label} is not rendered`);
    const rows = reachabilityTable(placed(entry), surroundingsOf(entry, after, calledIn(folder, entry)));
    return rows.map((row) => row.join(' ').trim());
  };
  t.ok(flows('production/fastify-service').includes('Deployment/fastify-service database TCP 5432'));
  t.ok(flows('dev/fastify-service').includes('load balancer Deployment/fastify-service TCP 8080, TCP 9090'));

  t.test('Argo CD has an Ingress', { skip: lacksCharts('argo-cd') }, (t) => {
    t.match(changed('dev/argocd', before, after), {
      'Ingress/argocd-server': {
        spec: {
          ingressClassName: 'alb',
          rules: [
            {
              host: 'argocd.dev.example.com',
              http: { paths: [{ backend: { service: { name: 'argocd-server', port: { number: 443 } } } }] },
            },
          ],
        },
      },
    });
    t.strictSame(changed('production/argocd', before, after), {});
    t.end();
  });
});
