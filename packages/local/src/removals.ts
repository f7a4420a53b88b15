import { isOperating } from './applications.ts';
import { type Application, type ApplicationSet, type ArgoClient, ArgoError } from './argocd-api.ts';

// What was taken out of Git and still runs. Argo CD itself says little or nothing of it.

interface Owned {
  readonly metadata: { readonly ownerReferences?: readonly { readonly name: string }[] };
}

/** Why an ApplicationSet cannot say which Applications there are; undefined when it can. */
export function errorOf({ status }: ApplicationSet): string | undefined {
  const find = (type: string, is: string): string | undefined =>
    status?.conditions?.find((condition) => condition.type === type && condition.status === is)?.message;
  return find('ErrorOccurred', 'True') ?? find('ResourcesUpToDate', 'False');
}

/** The objects that Git no longer has and that Argo CD keeps, since they are marked `Prune=false`. */
export function keptObjects(application: Application): string[] {
  if (isOperating(application)) return [];
  const kept = (application.status?.resources ?? []).filter(({ requiresPruning }) => requiresPruning === true);
  return kept.map(({ kind, name }) => `${kind}/${name}`);
}

/**
 * What is wrong with ApplicationSets, which Applications they no longer list, and which objects stay without Git: one
 * line each, none when there is nothing.
 */
export async function removals(client: ArgoClient, applications: readonly Application[]): Promise<string[]> {
  const lines: string[] = [];
  for (const set of await client.applicationSets()) {
    const { name } = set.metadata;
    const error = errorOf(set);
    if (error !== undefined) {
      lines.push(`ApplicationSet ${name}: ${error}; its Applications stay as they are`);
      continue;
    }
    // The others delete what they no longer list.
    if (set.spec.syncPolicy?.applicationsSync !== 'create-update') continue;
    const owned = applications.filter((application) =>
      (application as Application & Owned).metadata.ownerReferences?.some((owner) => owner.name === name),
    );
    if (owned.length === 0) continue;
    const listed = await listedBy(client, set);
    for (const { metadata } of owned)
      if (listed?.includes(metadata.name) === false)
        lines.push(
          `${metadata.name}: ApplicationSet ${name} no longer lists it, so it stays as it was last generated; ` +
            `\`kubectl -n argocd delete application ${metadata.name}\` removes it and leaves what it deployed`,
        );
  }
  for (const application of applications)
    for (const object of keptObjects(application))
      lines.push(`${application.metadata.name}: ${object} is no longer in Git and stays (Prune=false)`);
  return lines;
}

/** The Applications that an ApplicationSet makes now; undefined when Argo CD cannot say. */
async function listedBy(client: ArgoClient, set: ApplicationSet): Promise<string[] | undefined> {
  try {
    return (await client.generate(set)).map(({ metadata }) => metadata.name);
  } catch (error) {
    if (error instanceof ArgoError) return undefined;
    throw error;
  }
}
