import { CommandError } from '@gitops/report/errors';
import type { SynthesizedStack } from '../app.ts';
import {
  BY_NAME,
  BY_OWNER,
  carriesTags,
  idFrom,
  isFoundByTags,
  NOT_SOUGHT,
  text,
  type Values,
} from '../recovery/identities.ts';
import { existingImports, type Import } from '../recovery/import-plan.ts';
import { isUnfinished, type Revision, verdictOn } from '../recovery/releases.ts';
import { type Held, readDeclared, readHeld, type Resource } from '../recovery/stack-state.ts';
import type { Tofu } from '../tofu.ts';
import type { TaggedThing } from './search.ts';

// OpenTofu writes the state every 20 seconds and at its end. Where it is killed, or its machine is lost, AWS has what
// it created in between and the state does not: the next apply would create it a second time, or fail because it
// exists. So it is searched for, by name or by tags, and imported into the state.

/** What was found. */
export interface Recovery {
  /** What was imported into the state; empty where nothing was lost. */
  readonly adopted: readonly Import[];
  /** ARNs of what carries the stack's tags while the state has another in its place: created twice, or just deleted. */
  readonly strangers: readonly string[];
  /** Revisions of Helm releases that nobody finishes any more; their records are deleted. */
  readonly cleared: readonly Revision[];
}

/** How AWS is asked what exists. */
export interface Search {
  tagged(region: string, tags: Readonly<Record<string, string>>): Promise<readonly TaggedThing[]>;
  /** The selections of a backup plan: ids by names. */
  backupSelections(region: string, planId: string): Promise<ReadonlyMap<string, string>>;
  /** The revisions of the Helm releases in a namespace of a cluster. */
  helmRevisions(cluster: Named, namespace: string): Promise<readonly Revision[]>;
  /** Deletes the record of a revision. */
  clearRevision(cluster: Named, revision: Revision): Promise<void>;
}

interface Named {
  readonly name: string;
  readonly region: string;
}

/**
 * Searches for what a killed run had created, and imports it into the state, one resource after the other: interrupted,
 * the next call resumes where it stopped. A Helm release that was left unfinished is cleared, so that it can be
 * installed or upgraded. Throws CommandError where the stack cannot be planned, where something exists twice, and where
 * it is not one of ours.
 */
export async function recover(tofu: Tofu, stack: SynthesizedStack, search: Search): Promise<Recovery> {
  const { accountId, region, tags, resources } = readDeclared(stack);
  const held = await readHeld(tofu, stack);
  const lost = resources.filter(({ to }) => !held.has(to));
  const found = withoutHeld(await search.tagged(region, tags), held);
  const { cleared, absent } = await clearReleases(stack, search);
  const candidates = candidatesFor(
    lost.filter(({ to }) => !absent.has(to)),
    found,
    accountId,
  );

  const adopted = await existingImports(tofu, stack, candidates, new Set(held.keys()));
  for (const one of adopted) await importOne(tofu, stack, one);
  const heldNow = await readHeld(tofu, stack);
  await refuseForeign(tofu, stack, adopted, heldNow, tags.stack);
  for (const one of await ownedBy(lost, heldNow, region, search)) {
    await importOne(tofu, stack, one);
    adopted.push(one);
  }
  return { adopted, strangers: strangersIn(found, adopted, lost), cleared };
}

/**
 * Imports the Helm releases that are deployed and that the state lacks, and clears those whose installation failed:
 * otherwise the next apply is told that the name is in use. What is not finished is left alone, since another apply may
 * be at it. Throws CommandError where the cluster cannot be reached: OpenTofu would plan to install everything again.
 */
export async function adoptReleases(
  tofu: Tofu,
  stack: SynthesizedStack,
  search: Pick<Search, 'helmRevisions' | 'clearRevision'>,
): Promise<Pick<Recovery, 'adopted' | 'cleared'>> {
  const adopted: Import[] = [];
  const cleared: Revision[] = [];
  const releases = releasesIn(stack);
  if (releases.length === 0) return { adopted, cleared };
  const held = await readHeld(tofu, stack);
  for (const { to, cluster, namespace, name } of releases) {
    const revisions = (await search.helmRevisions(cluster, namespace)).filter(({ release }) => release === name);
    if (held.has(to) || revisions.some(isUnfinished)) continue;
    const { clear, isDeployed } = verdictOn(revisions);
    for (const revision of clear) await search.clearRevision(cluster, revision);
    cleared.push(...clear);
    if (!isDeployed) continue;
    const one = { to, id: `${namespace}/${name}` };
    await importOne(tofu, stack, one);
    adopted.push(one);
  }
  return { adopted, cleared };
}

/** Throws CommandError where a stack has Helm releases and their cluster cannot be reached, as `adoptReleases` does. */
export async function requireReleases(
  tofu: Tofu,
  stack: SynthesizedStack,
  { helmRevisions }: Pick<Search, 'helmRevisions'>,
): Promise<void> {
  const releases = releasesIn(stack);
  if (releases.length === 0) return;
  const held = await readHeld(tofu, stack);
  const known = releases.find(({ to }) => held.has(to));
  if (known !== undefined) await helmRevisions(known.cluster, known.namespace);
}

interface Release {
  /** helm_release.root */
  readonly to: string;
  readonly cluster: Named;
  readonly namespace: string;
  readonly name: string;
}

function releasesIn(stack: SynthesizedStack): Release[] {
  const { region, resources } = readDeclared(stack);
  const cluster = { name: stack.cluster ?? '', region };
  const releases: Release[] = [];
  for (const { to, type, values } of resources)
    if (type === 'helm_release')
      releases.push({ to, cluster, namespace: text(values, 'namespace'), name: text(values, 'name') });
  return releases;
}

const importOne = async (tofu: Tofu, stack: SynthesizedStack, { to, id }: Import): Promise<string> =>
  tofu.capture(stack, ['import', '-input=false', to, id]);

/** What the search found, without what the state has. */
function withoutHeld(found: readonly TaggedThing[], held: Held): TaggedThing[] {
  const known = new Set<unknown>();
  for (const { id, arn, association_arn: association } of held.values()) known.add(id).add(arn).add(association);
  return found.filter(({ arn }) => !known.has(arn) && !known.has(idFrom(arn)));
}

/**
 * What each lost resource would be imported by, whether it exists or not. Throws CommandError where AWS has more than
 * one for a resource: the right one is unknown, and an apply would create another.
 */
function candidatesFor(lost: readonly Resource[], found: readonly TaggedThing[], accountId: string): Import[] {
  const candidates: Import[] = [];
  const doubles: string[] = [];
  for (const { to, type, values } of lost) {
    const name = BY_NAME[type]?.(values, accountId);
    // Where it is in another region than its stack, the provider imports it by `id@region`.
    const place = values.region === undefined ? '' : `@${text(values, 'region')}`;
    if (name !== undefined) candidates.push({ to, id: `${name}${place}` });
    const alike = found.filter((thing) => isFoundByTags(thing.arn, type) && carriesTags(thing, values));
    const arns = alike.map(({ arn }) => arn);
    if (arns.length > 1) doubles.push(`${to} exists more than once: ${arns.join(', ')}`);
    candidates.push(...arns.map((arn) => ({ to, id: idFrom(arn) })));
  }
  if (doubles.length > 0) throw new CommandError(doubles, 'delete all but one of each, and run the command again');
  return candidates;
}

/**
 * Somebody else's resource may have the name of one of ours: it is removed from the state again, and not touched.
 * Throws CommandError where there is one.
 */
async function refuseForeign(
  tofu: Tofu,
  stack: SynthesizedStack,
  adopted: readonly Import[],
  held: Held,
  tag = '',
): Promise<void> {
  const isForeign = ({ to }: Import): boolean => {
    const tags = held.get(to)?.tags_all;
    return tags !== undefined && (tags as Record<string, string> | null)?.stack !== tag;
  };
  const foreign = adopted.filter(isForeign);
  if (foreign.length === 0) return;
  await tofu.capture(stack, ['state', 'rm', ...foreign.map(({ to }) => to)]);
  throw new CommandError(
    foreign.map(({ to, id }) => `${to} cannot be created: ${id} already exists, without the tag stack=${tag}`),
    'delete it, or add the tag, and run the command again',
  );
}

/** Clears the Helm releases of a stack of what a killed run left unfinished, and says which have to be installed. */
async function clearReleases(
  stack: SynthesizedStack,
  search: Search,
): Promise<{ readonly cleared: readonly Revision[]; readonly absent: ReadonlySet<string> }> {
  const cleared: Revision[] = [];
  const absent = new Set<string>();
  for (const { to, cluster, namespace, name } of releasesIn(stack)) {
    const all = await search.helmRevisions(cluster, namespace);
    const { clear, isDeployed } = verdictOn(all.filter(({ release }) => release === name));
    for (const revision of clear) await search.clearRevision(cluster, revision);
    cleared.push(...clear);
    if (!isDeployed) absent.add(to);
  }
  return { cleared, absent };
}

/** Lost resources that AWS lists by what they belong to. */
async function ownedBy(lost: readonly Resource[], held: Held, region: string, search: Search): Promise<Import[]> {
  const imports: Import[] = [];
  for (const { to, type, values } of lost) {
    const plan = BY_OWNER.includes(type) ? backupPlanOf(values, held) : undefined;
    if (plan === undefined) continue;
    const selection = (await search.backupSelections(region, plan)).get(text(values, 'name'));
    if (selection !== undefined) imports.push({ to, id: `${plan}|${selection}` });
  }
  return imports;
}

/** The id of the backup plan that a selection refers to; undefined where the state has none yet. */
function backupPlanOf(values: Values, held: Held): string | undefined {
  const address = /^\$\{(.+)\.id\}$/.exec(text(values, 'plan_id'))?.[1] ?? '';
  const id = held.get(address)?.id;
  return typeof id === 'string' ? id : undefined;
}

function strangersIn(found: readonly TaggedThing[], adopted: readonly Import[], lost: readonly Resource[]): string[] {
  const ids = new Set(adopted.map(({ id }) => id));
  // What AWS creates with a VPC exists anyway, and the stack takes it over.
  const isTakenOver = (thing: TaggedThing): boolean =>
    lost.some(
      ({ type, values }) => NOT_SOUGHT[type] !== undefined && values.tags !== undefined && carriesTags(thing, values),
    );
  const strangers = found.filter(
    (thing) => !ids.has(idFrom(thing.arn)) && isFoundByTags(thing.arn) && !isTakenOver(thing),
  );
  return strangers.map(({ arn }) => arn);
}
