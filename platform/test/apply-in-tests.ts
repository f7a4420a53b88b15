import { CommandError } from '@gitops/report/errors';
import { offeredAddons } from '@gitops/settings/eks-versions';
import { type ApplyOptions, applyStack } from '../src/commands/apply.ts';
import type { Search } from '../src/commands/recover.ts';
import type { Revision } from '../src/recovery/releases.ts';
import { KilledError, type Tofu } from '../src/tofu.ts';
import { outputOf, type Platform, repository } from './platform-in-tests.ts';
import type { SimulatedAws } from './simulated-aws/cloud.ts';
import type { Engine } from './simulated-aws/engine.ts';

/** Who owns the cluster dev. */
export const CALLER = { accountId: '111111111111', region: 'us-east-1', defaultTags: {} };

/** The command line of the tests, as the platform's commands have it. */
export const tofuOf = (engine: Engine, parallelism = 10): Tofu => {
  const succeed = async (args: readonly string[]): Promise<string> => {
    const run = await engine.run(...args);
    if (run.code === null) throw new KilledError('killed', '');
    if (run.code !== 0) throw new CommandError(outputOf(run), '');
    return run.output;
  };
  return {
    run: async (_, [verb = '', ...args]) => {
      await succeed([verb, ...(verb === 'state' ? [] : [`-parallelism=${parallelism}`]), ...args]);
    },
    capture: async (_, args) => succeed(args),
    tryCapture: async (_, args) => engine.run(...args),
  };
};

/** What AWS's command line would answer. */
const searchIn = ({ cloud }: Platform): Search => ({
  tagged: async (region, tags) => Promise.resolve(cloud.tagged(tags, { ...CALLER, region })),
  backupSelections: async (region, plan) =>
    Promise.resolve(
      new Map(
        cloud
          .visible('aws_backup_selection', { ...CALLER, region })
          .flatMap(({ id, values }) => (values.plan_id === plan ? [[String(values.name), id]] : [])),
      ),
    ),
  helmRevisions: async (cluster, namespace) => {
    if (cloud.things('aws_eks_access_policy_association').length === 0)
      throw new CommandError('kubectl: You must be logged in to the server', '');
    return Promise.resolve(revisionsIn(cloud, cluster.name, namespace));
  },
  clearRevision: async (cluster, { release, status }) => {
    const thing = cloud
      .things('helm_release')
      .find(({ id, values }) => id === release && values.cluster === cluster.name);
    if (thing === undefined) throw new Error(`no release ${release}`);
    // An upgrade that is not finished leaves the revision before it.
    if (status === 'pending-upgrade') thing.values = { ...thing.values, status: 'deployed' };
    else cloud.remove(thing);
    return Promise.resolve();
  },
});

/** The revisions of releases: one each, and a second one that is not finished. */
function revisionsIn(cloud: SimulatedAws, cluster: string, namespace: string): Revision[] {
  const revisions: Revision[] = [];
  for (const { id: release, values } of cloud.things('helm_release')) {
    if (values.cluster !== cluster || values.namespace !== namespace) continue;
    const add = (number: number, status: string): void =>
      void revisions.push({ release, namespace, number, status, secret: `sh.helm.release.v1.${release}.v${number}` });
    const status = String(values.status);
    if (status === 'pending-upgrade') add(1, 'deployed');
    add(status === 'pending-upgrade' ? 2 : 1, status);
  }
  return revisions;
}

export interface Story {
  readonly platform: Platform;
  readonly printed: string[];
  /** Applies a stack as `make apply` does; true where it came to its end. */
  readonly apply: (name: string, options?: Partial<ApplyOptions>) => Promise<boolean>;
}

/**
 * A platform whose stacks are applied as `make apply` applies them.
 * @param folder for what `make apply` writes down
 * @param parallelism how many changes OpenTofu makes at a time
 */
export function storyOf(platform: Platform, folder: string, parallelism = 10): Story {
  const printed: string[] = [];
  return {
    platform,
    printed,
    apply: async (name, options = {}) => {
      const stack = platform.stacks.find((candidate) => candidate.name === name);
      if (stack === undefined) throw new Error(`unknown stack ${name}`);
      const engine = platform.engine(name);
      try {
        await applyStack(
          tofuOf(engine, parallelism),
          { ...stack, folder: engine.folder },
          {
            root: repository,
            platform: folder,
            yes: true,
            accepted: [],
            lost: false,
            search: searchIn(platform),
            addons: async (_, version) => Promise.resolve(offeredAddons(version)),
            print: (text) => printed.push(text),
            ...options,
          },
        );
        return true;
      } catch (error) {
        if (error instanceof KilledError) return false;
        throw error;
      }
    },
  };
}
