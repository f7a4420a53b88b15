import { backup } from './backup.ts';
import { billing } from './billing.ts';
import { cloudwatchLogs } from './cloudwatch-logs.ts';
import { ec2, ec2Data } from './ec2.ts';
import { ec2Routing } from './ec2-routing.ts';
import { ecr } from './ecr.ts';
import { eks, eksData } from './eks.ts';
import { eksNodes, eksNodesData } from './eks-nodes.ts';
import { helm } from './helm.ts';
import { iam } from './iam.ts';
import type { DataSource, DataSources, Kind, Kinds } from './kind.ts';
import { kms } from './kms.ts';
import { type Aspect, ASPECTS, SAID } from './known.ts';
import { LIMITS } from './limits.ts';
import { LATE } from './limits/late.ts';
import { messages } from './messages.ts';
import { s3 } from './s3.ts';
import { secretsManager } from './secrets-manager.ts';

/** What no stack makes: tests put it there, as controllers and people do, and so do the rules of other types. */
const planted: Kinds = {
  network_interface: {},
  recovery_point: {},
  s3_object: {},
  ecr_image: {},
  secret_pending_deletion: {},
  ssm_parameter: {},
  zone_without_nat: {},
  kubernetes_namespace: {},
};

/** Every type that is simulated. */
export const kinds: Kinds = {
  ...ec2,
  ...ec2Routing,
  ...iam,
  ...eks,
  ...eksNodes,
  ...ecr,
  ...s3,
  ...kms,
  ...secretsManager,
  ...backup,
  ...cloudwatchLogs,
  ...billing,
  ...messages,
  ...helm,
  ...planted,
};

/** Every data source that is simulated. */
export const dataSources: DataSources = { ...ec2Data, ...eksData, ...eksNodesData };

/** The rules of a type. Throws for one that is not simulated. */
export function kindOf(type: string): Kind {
  const kind = kinds[type];
  if (kind === undefined) throw new Error(`${type} is not simulated; add it to the file of its service`);
  return kind;
}

/** A data source. Throws for one that is not simulated. */
export function dataSourceOf(type: string): DataSource {
  const source = dataSources[type];
  if (source === undefined) throw new Error(`data ${type} is not simulated; add it to the file of its service`);
  return source;
}

/**
 * What the simulation knows of a type, and what it does not, aspect by aspect: the rules that it has, and what known.ts
 * says beside them. An aspect of which nothing is said is empty; a test refuses it.
 */
export function knowledgeOf(type: string): Record<Aspect, string[]> {
  const kind = kindOf(type);
  const { source, unknown, quota, refuses = [] } = LIMITS[type] ?? {};
  const rules = refuses.map(({ what }) => what);
  const isName = (what: string): boolean => /of another form|characters/.test(what);
  const dependents: string[] = [];
  for (const [other, { references = [] }] of Object.entries(kinds))
    if (references.some(({ to, inUseError }) => to === type && inUseError !== undefined)) dependents.push(other);
  const said = (aspect: Aspect): string[] => {
    const text = SAID[type]?.[aspect];
    return text === undefined ? [] : [text];
  };
  const known = (what: readonly string[]): string[] => (what.length === 0 ? [] : [`known: ${what.join(', ')}`]);
  return {
    immutable: [
      ...known([...(kind.fixed ?? []), ...(kind.computed ?? []).map((name) => `${name} (AWS's)`)]),
      ...said('immutable'),
    ],
    arguments: [
      ...known(rules.filter((what) => !isName(what))),
      ...(unknown === undefined ? [] : [`unknown: ${unknown}`]),
      ...(source === undefined ? [] : [`source: ${source}`]),
      ...said('arguments'),
    ],
    names: [...known(rules.filter(isName)), ...said('names')],
    unique: [
      ...known([
        ...(kind.existsError === undefined && kind.unique === undefined
          ? []
          : [kind.existsError ?? 'AlreadyExistsException']),
        ...(kind.overwrites === true ? ['AWS overwrites what is there'] : []),
      ]),
      ...said('unique'),
    ],
    deletion: [
      ...known([...dependents, ...(kind.checkDelete === undefined ? [] : ["a rule of its service's file"])]),
      ...said('deletion'),
    ],
    quota: [
      ...known(quota === undefined ? [] : [`${String(quota.most)}${quota.per === undefined ? '' : ' in one owner'}`]),
      ...said('quota'),
    ],
    consistency: [...known((LATE[type] ?? []).map(({ to }) => to)), ...said('consistency')],
  };
}

// node test/simulated-aws/kinds.ts [TYPE…]
if (import.meta.main) {
  const all = Object.keys(kinds).filter((name) => !(name in planted));
  for (const type of process.argv.length > 2 ? process.argv.slice(2) : all) {
    process.stdout.write(`${type}\n`);
    const knowledge = knowledgeOf(type);
    for (const [aspect, title] of Object.entries(ASPECTS)) {
      const lines = knowledge[aspect as Aspect].map((line) => `    ${line}\n`);
      process.stdout.write(`  ${title}:\n${lines.join('')}`);
    }
  }
}
