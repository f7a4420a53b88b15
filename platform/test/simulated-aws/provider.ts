import { type handleUnaryCall, Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { type Caller, replacedBy, type SimulatedAws } from './cloud.ts';
import { kindOf } from './kinds.ts';
import { AwsError } from './operations.ts';
import { NESTING, PROTOCOL_VERSION, providerService, SEVERITY_ERROR } from './protocol.ts';
import { repeated } from './repeated.ts';
import { type Block, type NestedBlock, schemaOf } from './schemas.ts';
import { complete, fromMessage, isSame, toMessage, UNKNOWN, Unknown, type Values } from './values.ts';

/** The types that a stack uses, so that no more schemas are read than that. */
export interface UsedTypes {
  readonly resources: readonly string[];
  readonly data: readonly string[];
}

export interface RunningProviders {
  /** For TF_REATTACH_PROVIDERS. */
  readonly reattach: string;
  close(): void;
}

interface Dynamic {
  readonly msgpack?: Uint8Array;
}
type Call = { readonly type_name: string; readonly id: string } & Readonly<Record<Field, Dynamic>>;
type Field = 'config' | 'raw_state' | 'current_state' | 'prior_state' | 'proposed_new_state' | 'planned_state';

/** What a connection was configured with: an account and region, and for Helm the cluster. */
interface Configuration {
  readonly caller: Caller;
  readonly cluster: string | undefined;
}

const providers = ['aws', 'helm'] as const;

/**
 * Serves the simulated AWS to OpenTofu as the providers `aws` and `helm`, on loopback, until it is closed.
 * @param registry where OpenTofu looks for providers: registry.opentofu.org; registry.terraform.io for Terraform
 */
export async function serveProviders(
  cloud: SimulatedAws,
  used: UsedTypes,
  registry: string,
): Promise<RunningProviders> {
  const servers = await Promise.all(
    providers.map(async (name) => {
      const server = new Server({ 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 });
      server.addService(providerService, implementation(name, cloud, used));
      const port = await new Promise<number>((resolve, reject) => {
        server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
          if (error === null) resolve(bound);
          else reject(error);
        });
      });
      return { name, server, port };
    }),
  );
  const reattach = Object.fromEntries(
    servers.map(({ name, port }) => [
      `${registry}/hashicorp/${name}`,
      {
        Protocol: 'grpc',
        ProtocolVersion: PROTOCOL_VERSION,
        Pid: process.pid,
        Test: true,
        Addr: { Network: 'tcp', String: `127.0.0.1:${port}` },
      },
    ]),
  );
  return {
    reattach: JSON.stringify(reattach),
    close: () => {
      for (const { server } of servers) server.forceShutdown();
    },
  };
}

// Reading a schema takes longer than using it.
const schemas = new Map<string, Block>();
function schema(provider: 'aws' | 'helm', kind: 'resource' | 'data' | 'provider', type = ''): Block {
  const key = [provider, kind, type].join(' ');
  const known = schemas.get(key) ?? schemaOf({ provider, kind, type });
  schemas.set(key, known);
  return known;
}

function toSchema(block: Block): object {
  return { version: 0, block: toBlock(block) };
}

function toBlock({ attributes, blocks }: Block): object {
  return {
    version: 0,
    attributes: Object.entries(attributes).map(([name, { type, required, optional, computed }]) => ({
      name,
      type: Buffer.from(JSON.stringify(type)),
      required,
      optional,
      computed,
    })),
    block_types: Object.entries(blocks).map(([type_name, { block, nesting, required }]: [string, NestedBlock]) => ({
      type_name,
      block: toBlock(block),
      nesting: NESTING[nesting],
      min_items: required && nesting !== 'single' ? 1 : 0,
      max_items: 0,
    })),
  };
}

function implementation(provider: 'aws' | 'helm', cloud: SimulatedAws, used: UsedTypes): UntypedServiceImplementation {
  // One server serves every run; each comes by a connection of its own.
  const configurations = new Map<string, Configuration>();
  const ours = (types: readonly string[]): string[] => types.filter((type) => type.startsWith(`${provider}_`));

  /** An answer, or AWS's refusal as a diagnostic. */
  const answer =
    (act: (call: Call, configuration: Configuration) => Promise<object> | object): handleUnaryCall<Call, object> =>
    (call, respond) => {
      const none = { caller: { accountId: '', region: '', defaultTags: {} }, cluster: undefined };
      Promise.resolve()
        .then(async () => act(call.request, configurations.get(call.getPeer()) ?? none))
        .then(
          (response) => {
            respond(null, response);
          },
          (error: unknown) => {
            respond(null, { diagnostics: [diagnosticOf(error)] });
          },
        );
    };
  const diagnosticOf = (error: unknown): object => {
    const { message } = error as Error;
    if (!(error instanceof AwsError))
      return { severity: SEVERITY_ERROR, summary: `the simulation failed: ${message}`, detail: '' };
    if (provider === 'helm') return { severity: SEVERITY_ERROR, summary: error.code, detail: error.detail };
    return { severity: SEVERITY_ERROR, summary: message, detail: '' };
  };
  const resource = (type: string): Block => schema(provider, 'resource', type);

  return {
    GetSchema: answer(() => ({
      provider: toSchema(schema(provider, 'provider')),
      resource_schemas: Object.fromEntries(ours(used.resources).map((type) => [type, toSchema(resource(type))])),
      data_source_schemas: Object.fromEntries(
        ours(used.data).map((type) => [type, toSchema(schema(provider, 'data', type))]),
      ),
      diagnostics: [],
      // As the real providers: OpenTofu then asks once for each command, not once for each walk over the graph.
      server_capabilities: { plan_destroy: false, get_provider_schema_optional: true },
    })),
    PrepareProviderConfig: answer(({ config }) => ({ prepared_config: config, diagnostics: [] })),
    ValidateResourceTypeConfig: answer(() => ({ diagnostics: [] })),
    ValidateDataSourceConfig: answer(() => ({ diagnostics: [] })),
    UpgradeResourceState: answer(({ type_name: type, raw_state: raw }) => {
      const state = JSON.parse(Buffer.from((raw as { json?: Uint8Array }).json ?? []).toString()) as Values;
      return { upgraded_state: toMessage(complete(resource(type), state)), diagnostics: [] };
    }),
    Configure: ((call, respond) => {
      configurations.set(call.getPeer(), configure(provider, cloud, fromMessage(call.request.config) as Values));
      respond(null, { diagnostics: [] });
    }) satisfies handleUnaryCall<Call, object>,
    ReadResource: answer(({ type_name: type, current_state }, { caller }) => {
      const state = fromMessage(current_state) as Values;
      const found = cloud.read(type, String(state.id), inRegionOf(state, caller));
      return {
        new_state: toMessage(found === undefined ? null : complete(resource(type), { ...state, ...found })),
        diagnostics: [],
      };
    }),
    PlanResourceChange: answer(({ type_name: type, prior_state, proposed_new_state }, { caller }) =>
      plan(
        type,
        resource(type),
        fromMessage(prior_state) as Values | null,
        fromMessage(proposed_new_state) as Values | null,
        caller,
      ),
    ),
    ApplyResourceChange: answer(async ({ type_name: type, prior_state, planned_state }, configuration) => {
      const { cluster } = configuration;
      const prior = fromMessage(prior_state) as Values | null;
      const planned = fromMessage(planned_state) as Values | null;
      const caller = inRegionOf(prior ?? planned ?? {}, configuration.caller);
      const result = (state: Values | null): object => ({
        new_state: toMessage(state === null ? null : complete(resource(type), state)),
        diagnostics: [],
        legacy_type_system: true,
      });
      try {
        if (planned === null) {
          await cloud.delete(type, String(prior?.id), caller);
          return result(null);
        }
        const known = { ...(withoutUnknown(planned) as Values), ...(provider === 'helm' ? { cluster } : {}) };
        return result(
          prior === null
            ? await repeated(type, async () => cloud.create(type, known, caller))
            : await cloud.update(type, String(prior.id), known, caller),
        );
      } catch (error) {
        if (!(error instanceof AwsError)) throw error;
        // What was there before is still there.
        return { ...result(prior), diagnostics: [diagnosticOf(error)] };
      }
    }),
    // Whether there is such a thing comes out when it is read.
    ImportResourceState: answer(({ type_name: type, id }, configuration) => {
      // id@region
      const [, name = id, region] = /^(.+)@([a-z0-9-]+)$/.exec(id) ?? [];
      const caller = inRegionOf({ region }, configuration.caller);
      const state = { id: cloud.importable(type, name, caller)?.id ?? name, region: region ?? null };
      return {
        imported_resources: [
          { type_name: type, state: toMessage(complete(resource(type), state)), private: Buffer.alloc(0) },
        ],
        diagnostics: [],
      };
    }),
    ReadDataSource: answer(({ type_name: type, config }, { caller }) => {
      const asked = fromMessage(config) as Values;
      return {
        state: toMessage(complete(schema(provider, 'data', type), { ...asked, ...cloud.lookUp(type, asked, caller) })),
        diagnostics: [],
      };
    }),
    Stop: answer(() => {
      cloud.faults.stopping();
      return {};
    }),
  };
}

/** A resource may be in another region than its provider: its argument `region`, since version 6. */
const inRegionOf = ({ region }: Values, caller: Caller): Caller =>
  typeof region === 'string' ? { ...caller, region } : caller;

function configure(provider: 'aws' | 'helm', cloud: SimulatedAws, config: Values): Configuration {
  if (provider === 'helm') {
    const { host } = (config.kubernetes ?? {}) as Values;
    const found = cloud.things('aws_eks_cluster').find(({ values }) => values.endpoint === host);
    return {
      caller: { accountId: found?.accountId ?? '', region: found?.region ?? '', defaultTags: {} },
      cluster: found?.id,
    };
  }
  const [accountId = ''] = (config.allowed_account_ids ?? []) as string[];
  const [tags] = (config.default_tags ?? []) as { tags: Record<string, string> }[];
  return { caller: { accountId, region: String(config.region), defaultTags: tags?.tags ?? {} }, cluster: undefined };
}

/** What will be: the arguments as they are given, what AWS fills in as it was, or unknown. */
function plan(
  type: string,
  block: Block,
  prior: Values | null,
  proposed: Values | null,
  { defaultTags }: Caller,
): object {
  const planned = (state: Values | null, replaced: readonly string[] = []): object => ({
    planned_state: toMessage(state),
    requires_replace: replaced.map((attribute_name) => ({ steps: [{ attribute_name }] })),
    diagnostics: [],
    legacy_type_system: true,
  });
  if (proposed === null) return planned(null);
  const tagged = 'tags_all' in block.attributes ? { tags_all: tagsOf(proposed.tags, defaultTags) } : {};
  if (prior === null) {
    const unknown = (kindOf(type).computed ?? []).filter(
      (name) => name in block.attributes && (proposed[name] ?? null) === null,
    );
    return planned(
      complete(block, { ...proposed, ...tagged, ...Object.fromEntries(unknown.map((name) => [name, UNKNOWN])) }),
    );
  }
  const next = complete(block, { ...proposed, ...tagged, ...kindOf(type).planned });
  if (isSame(prior, next)) return planned(prior);
  const renewed = Object.fromEntries((kindOf(type).renewed ?? []).map((name) => [name, UNKNOWN]));
  return planned({ ...next, ...renewed }, replacedBy(type, prior, next));
}

function tagsOf(tags: unknown, defaults: Readonly<Record<string, string>>): unknown {
  if (tags instanceof Unknown) return UNKNOWN;
  const all = { ...defaults, ...((tags ?? {}) as Record<string, string>) };
  return Object.keys(all).length === 0 ? null : all;
}

function withoutUnknown(value: unknown): unknown {
  if (value instanceof Unknown) return null;
  if (Array.isArray(value)) return value.map(withoutUnknown);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutUnknown(inner)]));
  return value;
}
