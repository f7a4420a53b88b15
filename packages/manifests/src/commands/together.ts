import { KUBERNETES_MINORS } from '@gitops/tools/schemas';

/**
 * Problems that differ only in their Application, or in the version of Kubernetes at their end, as one line each: the first
 * one, and behind it where else it is so.
 * @param labels of all Applications, production/fastify-service
 * @returns sorted by file and line
 */
export function together(problems: Iterable<string>, labels: ReadonlySet<string>): string[] {
  const groups = new Map<string, Group>();
  for (const problem of [...problems].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))) {
    const { text = problem, version } = VERSION.exec(problem)?.groups ?? {};
    const label = labelIn(text, labels);
    const key = label === undefined ? text : text.replace(label, '\0');
    const group = groups.get(key) ?? { first: text, labels: new Set<string>(), versions: new Set<string>() };
    groups.set(key, group);
    if (label !== undefined) group.labels.add(label);
    if (version !== undefined) group.versions.add(version);
  }
  return [...groups.values()].map(inWords);
}

interface Group {
  readonly first: string;
  readonly labels: Set<string>;
  readonly versions: Set<string>;
}

function inWords({ first, labels, versions }: Group): string {
  const [, ...others] = labels;
  const also = others.length === 0 ? '' : ` (also ${others.join(', ')})`;
  // Of all versions, none is named.
  const isOfSome = versions.size > 0 && versions.size < KUBERNETES_MINORS.length;
  return first + also + (isOfSome ? ` [Kubernetes ${[...versions].join(', ')}]` : '');
}

/** The Application that a problem names behind its place. */
function labelIn(text: string, labels: ReadonlySet<string>): string | undefined {
  const words = text.slice(text.indexOf(' ')).match(/[\w.-]+\/[\w.-]+/g) ?? [];
  return words.find((word) => labels.has(word));
}

/** What proofs that ask for every supported version write at the end. */
const VERSION = /^(?<text>.*) \[Kubernetes (?<version>[\d.]+)\]$/s;
