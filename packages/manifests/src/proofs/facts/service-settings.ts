import { Config, ConfigError, readConfig } from '@gitops/service/config';
import { nameOf } from '../../kubernetes/object.ts';
import { configMaps, containersOf, deployments, type Workload } from '../../kubernetes/workload.ts';
import type { FleetApplication } from '../../render/fleet.ts';
import { placed, type RenderedApplication, renderedOnly } from '../../render/rendered.ts';
import { objectProblem } from '../location.ts';
import { originOf, templateLine } from '../origin.ts';
import type { ProofContext } from '../proof.ts';

/** The chart that runs services of ours, all of which read their settings as service/src/config.ts says. */
const CHART = 'charts/fastify-service';

/** Variables that Node.js or a library reads, and no service. */
const OF_NODE = ['NODE_ENV', 'NODE_OPTIONS', 'TZ', 'UV_THREADPOOL_SIZE'];

/** Settings on which a service of ours exits, or that it does not read. */
export function wrongServiceSettings(
  fleet: readonly FleetApplication[],
  { root }: Pick<ProofContext, 'root'>,
): string[] {
  const found: string[] = [];
  for (const entry of renderedOnly(fleet)) {
    if (entry.chart?.name !== CHART) continue;
    const objects = placed(entry);
    for (const workload of deployments(objects)) {
      const environment = environmentOf(workload, objects);
      for (const { name, rule } of problemsIn(environment))
        found.push(variableProblem(root, entry, { name, value: environment.get(name) ?? '', rule }, nameOf(workload)));
    }
  }
  return found;
}

/** What a pod gets from ConfigMaps and from its own list; secrets are not known here. */
function environmentOf(workload: Workload, objects: Parameters<typeof configMaps>[0]): ReadonlyMap<string, string> {
  const environment = new Map<string, string>();
  const maps = configMaps(objects);
  for (const { env = [], envFrom = [] } of containersOf(workload)) {
    for (const { configMapRef } of envFrom) {
      const map = maps.find(({ metadata }) => metadata.name === configMapRef?.name);
      for (const [name, value] of Object.entries(map?.data ?? {})) environment.set(name, String(value));
    }
    for (const { name, value } of env) if (value !== undefined) environment.set(name, value);
  }
  return environment;
}

interface WrongVariable {
  readonly name: string;
  readonly rule: string;
}

function problemsIn(environment: ReadonlyMap<string, string>): WrongVariable[] {
  const found: WrongVariable[] = [];
  const known = Object.keys(Config.properties);
  for (const name of environment.keys())
    if (!known.includes(name) && !OF_NODE.includes(name))
      found.push({ name, rule: `unknown setting of the service; service/src/config.ts has ${known.join(', ')}` });
  const read = Object.fromEntries([...environment].filter(([name]) => known.includes(name)));
  try {
    readConfig(read);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // Each begins with the name of its variable.
    for (const problem of error.problems)
      found.push({ name: problem.split(' ')[0] ?? '', rule: `the service exits: ${problem}` });
  }
  return found;
}

/** A problem with a variable: at the value of its name, else at the line of the chart's template that has the name. */
function variableProblem(
  root: string,
  entry: RenderedApplication,
  { name, value, rule }: WrongVariable & { readonly value: string },
  object: string,
): string {
  const origin = originOf(root, entry, value, name);
  if (origin !== undefined) return `${origin.place}: ${origin.keys.join('.')}: ${rule}`;
  const place = templateLine(root, entry, `${name}:`);
  if (place !== undefined) return `${place}: ${name}: ${rule}`;
  return objectProblem(root, entry, { object, path: name, rule });
}
