import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '@gitops/report/errors';
import { clusterNames, CONTROLLERS } from '@gitops/settings';
import { serviceFolder, serviceNames } from '@gitops/settings/services';
import { filesBelow, pathExists } from './work-tree.ts';

/**
 * The longest name: a Deployment's pods add 17 characters to it, a hash of ten, one of five and two dashes, and a pod's
 * name is a label of at most 63.
 */
const LONGEST = 46;

/** The rule that the form of a name breaks; undefined where it breaks none. */
export function formProblem(name: string): string | undefined {
  const found = `(it is ${JSON.stringify(name)})`;
  // RFC 1035: a Service begins with a letter. The same name is that of a namespace, an image and a host.
  if (!/^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(name))
    return `must be a DNS label: lower-case letters, digits and dashes, a letter first and no dash last ${found}`;
  if (name.length > LONGEST)
    return `must have ${LONGEST} characters at most, since the names of its pods add 17 to it ${found}`;
  if (/^(kube|preview|argocd|service)-|-namespace$/.test(name))
    return `must not begin with kube-, preview-, argocd- or service- nor end in -namespace ${found}`;
  return undefined;
}

/** Namespaces that every cluster has, which no file here names. */
const OF_KUBERNETES = ['default'];

/** Throws CommandError where a name is taken; the message says by what. */
export function requireFree(root: string, name: string): void {
  const owner = ownerOf(root, name);
  if (owner !== undefined)
    throw new CommandError(`${name} is taken: ${owner}`, 'choose another NAME; nothing was written');
}

function ownerOf(root: string, name: string): string | undefined {
  if (serviceNames(root).includes(name)) return 'it is a service already';
  if (CONTROLLERS.some((controller) => controller === name)) return 'it is a controller';
  if (clusterNames(root).includes(name) || name === 'shared') return `clusters/${name} is the folder of a cluster`;
  if (OF_KUBERNETES.includes(name)) return 'it is a namespace of Kubernetes';
  const folder = serviceFolder(name);
  if (pathExists(root, folder)) return `${folder} exists`;
  // Applications, projects and namespaces, whatever kind of object names them.
  const used = new RegExp(`\\b(name(space)?: "?|range list .*")${name}"?(?![\\w.-])`);
  const read = filesBelow(root, 'argocd').filter((file) =>
    /^argocd\/(applications|projects|root)\/.*\.yaml$/.test(file),
  );
  for (const file of read) {
    const lines = readFileSync(join(root, file), 'utf8').split('\n');
    const index = lines.findIndex((line) => !/^\s*#/.test(line) && used.test(line));
    if (index !== -1) return `${file}:${index + 1} names it (${lines[index]?.trim() ?? ''})`;
  }
  return undefined;
}
