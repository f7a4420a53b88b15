import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { declarationOf } from '../render/declaration.ts';
import { type FleetApplication, labelOf } from '../render/fleet.ts';
import { sourcesOf } from '../render/renderer.ts';
import { filesBelow } from '../render/tree.ts';
import type { Problem } from './problem.ts';

/** A problem with a rendered object as one line, at the file in which the object is written. */
export function objectProblem(root: string, entry: FleetApplication, { object, path, rule }: Problem): string {
  const subject = [labelOf(entry), object, path].filter((part) => part !== '').join(' ');
  return `${placeOf(root, entry, object)}: ${subject}: ${rule}`;
}

/** A problem with an Application as one line, at the file that declares it. */
export const applicationProblem = (
  root: string,
  { application }: Pick<FleetApplication, 'application'>,
  key: string,
  rule: string,
): string => `${declarationOf(root, application.metadata.name)}:1: ${key}: ${rule}`;

/** `file:line` of the template or manifest of an object's kind; of the Application's declaration if there is none. */
function placeOf(root: string, entry: FleetApplication, object: string): string {
  const declaration = declarationOf(root, entry.application.metadata.name);
  // An upstream chart's objects are changed by the values that we give it.
  if (entry.chart?.isUpstream === true) return `${entry.chart.valueFiles[0] ?? declaration}:1`;
  const [kind = '', name = ''] = object.split('/');
  const release = entry.chart?.source.helm?.releaseName ?? entry.application.metadata.name;
  const named = new RegExp(`name: "?${name.replaceAll('.', '\\.')}"?(?![\\w.-])`);
  let first: string | undefined;
  for (const file of filesOf(root, entry)) {
    const lines = readFileSync(join(root, file), 'utf8').split('\n');
    for (const [index, line] of lines.entries()) {
      if (line.trimEnd() !== `kind: ${kind}`) continue;
      const place = `${file}:${index + 1}`;
      first ??= place;
      const head = lines
        .slice(index, index + 5)
        .join('\n')
        .replaceAll('{{ .Release.Name }}', release);
      if (named.test(head)) return place;
    }
  }
  return first ?? `${declaration}:1`;
}

/** The YAML files below the folders that an Application renders. */
const filesOf = (root: string, { application }: FleetApplication): string[] =>
  sourcesOf(application)
    .flatMap(({ path }) => (path === undefined ? [] : filesBelow(root, path)))
    .filter((file) => /\.ya?ml$/.test(file));
