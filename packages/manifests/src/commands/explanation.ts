import { CommandError } from '@gitops/report/errors';
import { valueAt } from '@gitops/settings/yaml-file';
import { type Change, changesBetween } from '../kubernetes/changes.ts';
import { declarationOf } from '../render/declaration.ts';
import { type FleetApplication, labelOf } from '../render/fleet.ts';
import { flips, readValueSchema, schemaAt } from '../render/flips.ts';
import { helmProblems } from '../render/helm-problems.ts';
import { nearest } from '../render/nearest.ts';
import type { Application, Renderer, RenderRequest, Source } from '../render/renderer.ts';
import { keysOf, type Layer, layersOf, leaves, merged, nested } from '../render/values.ts';
import { describedValues } from './chart-readme.ts';

/** Where a value comes from, and what it does. */
export interface Explanation {
  readonly key: string;
  readonly value: unknown;
  /** The comment of the chart; empty for something within a list. */
  readonly meaning: string;
  /** The file and line that won. */
  readonly place: string;
  readonly kind: Layer['kind'];
  /** What it shadowed, the strongest first. */
  readonly shadowed: readonly { readonly place: string; readonly value: unknown }[];
}

/** What changes when a value does. */
export interface Effect {
  /** The other value that was tried. */
  readonly tried: unknown;
  readonly changes: readonly Change[];
  /** Why no other value renders here, where none does. */
  readonly refusal?: string;
}

/** Every leaf of an Application's values at or below a key, and who set it. */
export function provenance(root: string, entry: FleetApplication, key = ''): Explanation[] {
  const layers = layersOf(root, entry.chart, declarationOf(root, entry.application.metadata.name));
  const values = merged(layers);
  const meanings = new Map(
    entry.chart === undefined ? [] : describedValues(entry.chart.folder).map(({ key: name, text }) => [name, text]),
  );
  const all = leaves(values).filter(({ keys }) => keys.length > 0);
  const wanted = keysOf(key);
  const found = all.flatMap((leaf) => {
    if (wanted.every((part, index) => part === leaf.keys[index])) return [leaf];
    // Something within a list, which is set as a whole.
    const value = leaf.keys.every((part, index) => part === wanted[index]) ? valueAt(values, wanted) : undefined;
    return value === undefined ? [] : [{ keys: wanted, value }];
  });
  if (found.length === 0) {
    const names = all.map(({ keys }) => keys.join('.'));
    throw new CommandError(
      `unknown value ${key} of ${labelOf(entry)}`,
      `did you mean ${nearest(key, names).join(' or ')}? Without a key, all of them are listed`,
    );
  }
  return found.map(({ keys, value }) => {
    const setters = layers.flatMap((layer) => {
      const place = layer.position(keys);
      return place === undefined ? [] : [{ place, kind: layer.kind, value: valueAt(layer.values, keys) }];
    });
    const winner = setters.at(-1) ?? { place: layers[0]?.file ?? '', kind: 'chart defaults' as const };
    const shadowed = setters.slice(0, -1).reverse();
    const name = keys.join('.');
    return {
      key: name,
      value,
      meaning: meanings.get(name) ?? '',
      place: winner.place,
      kind: winner.kind,
      shadowed: shadowed.map(({ place, value: below }) => ({ place, value: below })),
    };
  });
}

/** A request for the same Application with another value at a key: above every file, and instead of a parameter. */
export function requestWith(
  { request, chart }: Pick<FleetApplication, 'request' | 'chart'>,
  keys: readonly string[],
  value: unknown,
): RenderRequest {
  const { application } = request;
  const change = (source: Source): Source => {
    if (source.path !== chart?.source.path || source.chart !== chart?.source.chart) return source;
    const parameters = source.helm?.parameters ?? [];
    const isMeant = ({ name }: { readonly name: string }): boolean => keysOf(name).join('.') === keys.join('.');
    // Within a list only a parameter can set a part; values would take the list's place.
    if (keys.some((key) => /^\d+$/.test(key)) && parameters.some(isMeant)) {
      return {
        ...source,
        helm: {
          ...source.helm,
          parameters: parameters.map((parameter) =>
            isMeant(parameter) ? { ...parameter, value: String(value) } : parameter,
          ),
        },
      };
    }
    const rest = parameters.filter((parameter) => !isMeant(parameter));
    return {
      ...source,
      helm: {
        ...source.helm,
        parameters: rest,
        valuesObject: mergedValues(source.helm?.valuesObject, nested(keys, value)),
      },
    };
  };
  const { source, sources, ...spec } = application.spec;
  const changed = {
    ...application,
    spec: {
      ...spec,
      ...(source === undefined ? {} : { source: change(source) }),
      ...(sources === undefined ? {} : { sources: sources.map(change) }),
    },
  } as Application;
  return { ...request, application: changed };
}

const mergedValues = (
  below: Readonly<Record<string, unknown>> = {},
  above: Readonly<Record<string, unknown>>,
): Record<string, unknown> => merged([{ values: below }, { values: above }]);

/** Whether a change only follows others: an annotation with a checksum of them. */
const isChecksum = ({ path }: Change): boolean => path.startsWith('metadata.annotations[checksum/');

/**
 * What a value sets, found by trying others: every rendered field that then differs. A value that sets nothing here,
 * since it belongs to something switched off, gives no changes.
 */
export async function effect(
  renderer: Renderer,
  root: string,
  entry: FleetApplication,
  keys: readonly string[],
): Promise<Effect> {
  const { rendered, application, chart } = entry;
  if (chart === undefined || !rendered.ok)
    return { tried: undefined, changes: [], refusal: rendered.ok ? 'it renders no chart' : rendered.error };
  const values = merged(layersOf(root, chart, declarationOf(root, application.metadata.name)));
  const others = flips(valueAt(values, keys), schemaAt(readValueSchema(chart.folder), keys));
  const outcomes = await renderer.render(
    root,
    others.map((other) => requestWith(entry, keys, other)),
  );
  const tried = outcomes.map((outcome, index) => ({
    tried: others[index],
    changes: outcome.ok ? changesBetween(rendered.value, outcome.value).filter((change) => !isChecksum(change)) : [],
    outcome,
  }));
  const best = tried.find((attempt) => attempt.changes.length > 0) ?? tried.find(({ outcome }) => outcome.ok);
  if (best !== undefined) return { tried: best.tried, changes: best.changes };
  const [first] = tried;
  const refusal =
    first === undefined || first.outcome.ok
      ? 'there is no other value'
      : helmProblems(first.outcome.error)
          .map(({ keys: named, rule }) => `${(named ?? []).join('.')} ${rule}`)
          .join('; ');
  return { tried: first?.tried, changes: [], refusal };
}

/**
 * The values that set a rendered field, for those who know the field of Kubernetes and not the chart's name for it:
 * found by trying another value of each. A field is named by its path or the end of it, `resources.limits.memory`.
 */
export async function valuesBehind(
  renderer: Renderer,
  root: string,
  entry: FleetApplication,
  field: string,
): Promise<Explanation[]> {
  const { rendered, chart } = entry;
  if (chart === undefined || !rendered.ok) return [];
  const schema = readValueSchema(chart.folder);
  const attempts = provenance(root, entry).flatMap((explanation) => {
    const keys = keysOf(explanation.key);
    // A second one, as the first may be refused.
    return flips(explanation.value, schemaAt(schema, keys))
      .slice(0, 2)
      .map((other) => ({ explanation, request: requestWith(entry, keys, other) }));
  });
  const outcomes = await renderer.render(
    root,
    attempts.map((attempt) => attempt.request),
  );
  const isMeant = (path: string): boolean =>
    `.${path.replaceAll(/\[[^\]]*\]/g, '')}`.endsWith(`.${field.replaceAll(/\[[^\]]*\]/g, '')}`);
  const found = attempts.flatMap(({ explanation }, index) => {
    const outcome = outcomes[index];
    return outcome?.ok === true && changesBetween(rendered.value, outcome.value).some(({ path }) => isMeant(path))
      ? [explanation]
      : [];
  });
  return [...new Set(found)];
}
