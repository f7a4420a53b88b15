import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { SettingsError } from './cluster-files.ts';
import { type Problem, schemaProblems } from './schema-problems.ts';
import { clusterNames } from './settings.ts';
import { readYamlFile, valueAt } from './yaml-file.ts';

/** The one file of the service level objectives, from the repository's folder. */
export const SLO_FILE = 'clusters/slo.yaml';

const strict = { additionalProperties: false } as const;
const percent = (description: string) => Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 100, description });

const availability = percent('Percent of all requests that get an answer without a server error; above 0, below 100');
const latencyPercent = percent('Percent of all requests that are answered within the latency; above 0, below 100');
const objectives = {
  availability,
  latency: Type.Object(
    {
      // An edge of the service's histogram, which one image has in all clusters: so no cluster has its own.
      milliseconds: Type.Integer({ minimum: 1, maximum: 60_000, description: 'The latency, in whole milliseconds' }),
      percent: latencyPercent,
    },
    strict,
  ),
};

const SloFile = Type.Object(
  {
    ...objectives,
    clusters: Type.Record(
      Type.String(),
      Type.Object(
        {
          availability: Type.Optional(availability),
          latency: Type.Optional(Type.Object({ percent: latencyPercent }, strict)),
        },
        strict,
      ),
      { description: 'What differs in a cluster, by its name' },
    ),
  },
  strict,
);

/** The service level objectives of a cluster: percentages between 0 and 100, both excluded. */
export type Slo = Readonly<Static<Type.TObject<typeof objectives>>>;

/**
 * The service level objectives of a cluster: those of all clusters, with what differs in this one.
 * @param root the repository's folder
 * @param cluster the cluster's name; without one, what holds for all
 * Throws SettingsError with everything that is wrong with the file, whatever the cluster.
 */
export function readSlo(root: string, cluster?: string): Slo {
  const { content, problems, position } = readYamlFile(root, SLO_FILE);
  if (problems.length > 0) throw new SettingsError(problems);
  const found = [...schemaProblems(SloFile, content), ...clusterProblems(content.clusters, clusterNames(root))];
  if (found.length > 0 || !Value.Check(SloFile, content)) {
    const place = (keys: readonly string[]): string =>
      keys.length === 0 ? `${SLO_FILE}:1` : (position(keys) ?? place(keys.slice(0, -1)));
    throw new SettingsError(
      found.map(({ keys, rule }) => {
        const value = valueAt(content, keys);
        const shown = value === undefined ? '' : ` (it is ${JSON.stringify(value)})`;
        return `${place(keys)}: ${keys.join('.')}: ${rule}${shown}`;
      }),
    );
  }
  const own = cluster === undefined ? {} : (content.clusters[cluster] ?? {});
  return {
    availability: own.availability ?? content.availability,
    latency: { ...content.latency, ...own.latency },
  };
}

function clusterProblems(clusters: unknown, names: readonly string[]): Problem[] {
  if (typeof clusters !== 'object' || clusters === null) return [];
  const unknown = Object.keys(clusters).filter((name) => !names.includes(name));
  return unknown.map((name) => ({ keys: ['clusters', name], rule: `unknown cluster; clusters: ${names.join(', ')}` }));
}

/** The share of requests that may fail: 0.001 for 99.9 percent, without the error of a floating-point difference. */
export const errorBudget = (percent: number): number => Number(((100 - percent) / 100).toPrecision(12));

/** The file for editors. */
export function sloEditorSchema(): string {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Service level objectives',
    ...SloFile,
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
