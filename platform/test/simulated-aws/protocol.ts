import { fromJSON, type ServiceDefinition } from '@grpc/proto-loader';

// Version 5 of the protocol between OpenTofu and its providers, as far as a provider needs it: names, numbers and types
// of the messages' fields, which are what both sides must agree on.

type Field = readonly [number: number, type: string, rule?: 'repeated' | 'map'];

function message(fields: Readonly<Record<string, Field>>, nested: Readonly<Record<string, object>> = {}): object {
  const described = Object.entries(fields).map(([name, [id, type, rule]]) => [
    name,
    rule === 'map' ? { keyType: 'string', type, id } : { ...(rule === undefined ? {} : { rule }), type, id },
  ]);
  return { fields: Object.fromEntries(described) as object, nested };
}

const diagnostics = (number: number): Field => [number, 'Diagnostic', 'repeated'];

/** Every call: the fields that it is asked with, and those that it is answered with. */
const CALLS: Readonly<
  Record<string, readonly [string, request: Readonly<Record<string, Field>>, response: Readonly<Record<string, Field>>]>
> = {
  GetSchema: [
    'GetProviderSchema',
    {},
    {
      provider: [1, 'Schema'],
      resource_schemas: [2, 'Schema', 'map'],
      data_source_schemas: [3, 'Schema', 'map'],
      diagnostics: diagnostics(4),
      server_capabilities: [6, 'ServerCapabilities'],
    },
  ],
  PrepareProviderConfig: [
    'PrepareProviderConfig',
    { config: [1, 'DynamicValue'] },
    { prepared_config: [1, 'DynamicValue'], diagnostics: diagnostics(2) },
  ],
  ValidateResourceTypeConfig: [
    'ValidateResourceTypeConfig',
    { type_name: [1, 'string'], config: [2, 'DynamicValue'] },
    { diagnostics: diagnostics(1) },
  ],
  ValidateDataSourceConfig: [
    'ValidateDataSourceConfig',
    { type_name: [1, 'string'], config: [2, 'DynamicValue'] },
    { diagnostics: diagnostics(1) },
  ],
  UpgradeResourceState: [
    'UpgradeResourceState',
    { type_name: [1, 'string'], version: [2, 'int64'], raw_state: [3, 'RawState'] },
    { upgraded_state: [1, 'DynamicValue'], diagnostics: diagnostics(2) },
  ],
  Configure: [
    'Configure',
    { terraform_version: [1, 'string'], config: [2, 'DynamicValue'] },
    { diagnostics: diagnostics(1) },
  ],
  ReadResource: [
    'ReadResource',
    { type_name: [1, 'string'], current_state: [2, 'DynamicValue'], private: [3, 'bytes'] },
    { new_state: [1, 'DynamicValue'], diagnostics: diagnostics(2), private: [3, 'bytes'] },
  ],
  PlanResourceChange: [
    'PlanResourceChange',
    {
      type_name: [1, 'string'],
      prior_state: [2, 'DynamicValue'],
      proposed_new_state: [3, 'DynamicValue'],
      config: [4, 'DynamicValue'],
      prior_private: [5, 'bytes'],
    },
    {
      planned_state: [1, 'DynamicValue'],
      requires_replace: [2, 'AttributePath', 'repeated'],
      planned_private: [3, 'bytes'],
      diagnostics: diagnostics(4),
      legacy_type_system: [5, 'bool'],
    },
  ],
  ApplyResourceChange: [
    'ApplyResourceChange',
    {
      type_name: [1, 'string'],
      prior_state: [2, 'DynamicValue'],
      planned_state: [3, 'DynamicValue'],
      config: [4, 'DynamicValue'],
      planned_private: [5, 'bytes'],
    },
    {
      new_state: [1, 'DynamicValue'],
      private: [2, 'bytes'],
      diagnostics: diagnostics(3),
      legacy_type_system: [4, 'bool'],
    },
  ],
  ImportResourceState: [
    'ImportResourceState',
    { type_name: [1, 'string'], id: [2, 'string'] },
    { imported_resources: [1, 'ImportedResource', 'repeated'], diagnostics: diagnostics(2) },
  ],
  ReadDataSource: [
    'ReadDataSource',
    { type_name: [1, 'string'], config: [2, 'DynamicValue'] },
    { state: [1, 'DynamicValue'], diagnostics: diagnostics(2) },
  ],
  Stop: ['Stop', {}, { Error: [1, 'string'] }],
};

const types = {
  DynamicValue: message({ msgpack: [1, 'bytes'], json: [2, 'bytes'] }),
  RawState: message({ json: [1, 'bytes'] }),
  Diagnostic: message({ severity: [1, 'int32'], summary: [2, 'string'], detail: [3, 'string'] }),
  ImportedResource: message({ type_name: [1, 'string'], state: [2, 'DynamicValue'], private: [3, 'bytes'] }),
  AttributePath: message({ steps: [1, 'Step', 'repeated'] }, { Step: message({ attribute_name: [1, 'string'] }) }),
  ServerCapabilities: message({ plan_destroy: [1, 'bool'], get_provider_schema_optional: [2, 'bool'] }),
  Schema: message(
    { version: [1, 'int64'], block: [2, 'Block'] },
    {
      Block: message({
        version: [1, 'int64'],
        attributes: [2, 'Attribute', 'repeated'],
        block_types: [3, 'NestedBlock', 'repeated'],
      }),
      Attribute: message({
        name: [1, 'string'],
        type: [2, 'bytes'],
        required: [4, 'bool'],
        optional: [5, 'bool'],
        computed: [6, 'bool'],
        sensitive: [7, 'bool'],
      }),
      NestedBlock: message({
        type_name: [1, 'string'],
        block: [2, 'Block'],
        nesting: [3, 'int32'],
        min_items: [4, 'int64'],
        max_items: [5, 'int64'],
      }),
    },
  ),
  ...Object.fromEntries(
    Object.values(CALLS).map(([name, request, response]) => [
      name,
      message({}, { Request: message(request), Response: message(response) }),
    ]),
  ),
  Provider: {
    methods: Object.fromEntries(
      Object.entries(CALLS).map(([call, [name]]) => [
        call,
        { requestType: `${name}.Request`, responseType: `${name}.Response` },
      ]),
    ),
  },
};

/** The service that a provider offers, for a gRPC server. */
export const providerService = fromJSON(
  { nested: { tfplugin5: { nested: types } } } as Parameters<typeof fromJSON>[0],
  { keepCase: true, defaults: true, longs: Number },
)['tfplugin5.Provider'] as ServiceDefinition;

/** Nesting of a block, as the protocol counts them. */
export const NESTING = { single: 1, list: 2, set: 3 } as const;
export const PROTOCOL_VERSION = 5;
export const SEVERITY_ERROR = 1;
