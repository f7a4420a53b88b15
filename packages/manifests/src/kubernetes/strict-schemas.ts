import { CommandError } from '@gitops/report/errors';
import { KUBERNETES_MINORS, type KubernetesMinor, readCustomResources, type Schemas } from '@gitops/tools/schemas';
import { type KubernetesObject, nameOf } from './object.ts';
import { type Compiler, compilerFor, compilerOf, sharedCompiler } from './strict-schemas/compiler.ts';
import { DEFINITIONS } from './strict-schemas/json-schema.ts';
import { problemsOf, shown } from './strict-schemas/problems.ts';

/** Everything that one minor version of Kubernetes and the operators on it say about their objects. */
export interface StrictSchemas {
  /**
   * What is wrong with an object: one line each, `field: rule`, or `apiVersion kind: rule`. Stricter than an API
   * server, which drops what it does not know: a field without a schema is a problem, and so is null.
   * @param definitions what the cluster of the object gets beside the definitions of the operators' modules
   */
  readonly problems: (object: KubernetesObject, definitions?: Definitions) => string[];
  /**
   * Every API, sorted, as Argo CD passes them to Helm: `v1`, `v1/Pod`, `apps/v1`, `apps/v1/Deployment`.
   */
  readonly apiVersions: readonly string[];
}

/** CustomResourceDefinitions that charts bring into a cluster. */
export interface Definitions {
  readonly objects: readonly KubernetesObject[];
  /** Whether these are all: a chart that is not on this machine may bring more. */
  readonly isComplete: boolean;
}

const NONE: Definitions = { objects: [], isComplete: true };

/**
 * The schemas of one minor version, from the files of ensureSchemas; a kind's own are compiled for its first object.
 * What schemas do not say is not checked: neither the CEL rules of CustomResourceDefinitions nor what an API server's
 * code checks, such as the range of a port or the form of a name. Alpha and beta APIs of Kubernetes count as missing,
 * since servers do not enable them by default. Throws CommandError for a version without schemas, and an Error for a
 * file that cannot be read.
 */
export function loadSchemas(schemas: Schemas, minor: string): StrictSchemas {
  if (!isKnown(minor))
    throw new CommandError(
      `no schemas for Kubernetes ${minor}, only for ${KUBERNETES_MINORS.join(', ')}`,
      'add its release to SCHEMA_PINS in packages/tools/src/schemas.ts',
    );
  const kubernetes = compilerOf(schemas.kubernetes[minor].file);
  const custom = sharedCompiler(schemas.customResources.file);

  const problems = (object: KubernetesObject, definitions: Definitions = NONE): string[] => {
    const untyped = typeProblems(object);
    if (untyped.length > 0) return untyped;
    const { apiVersion, kind } = object;
    const key = `${apiVersion}/${kind}`;
    const name = `${apiVersion} ${kind}`;
    const builtIn = kubernetes.file.kinds[key];
    if (builtIn !== undefined) {
      if (!isStable(key)) return [`${name}: not served by Kubernetes ${minor} by default`];
      const validate = kubernetes.validator(builtIn.definition);
      return onceFor(object, validate, () => [...nameProblems(object), ...problemsOf(validate, object, object)]);
    }
    const validate = validatorOf(custom, key) ?? validatorOfCharts(definitions, key);
    if (validate !== undefined) {
      const metadata = kubernetes.validator(OBJECT_META);
      const found = onceFor(object, metadata, () => metadataProblems(object, metadata));
      return [...found, ...onceFor(object, validate, () => customResourceProblems(object, validate))];
    }
    // A chart that is not on this machine may define it, unless others define the kinds of its group.
    if (!definitions.isComplete && !isOfKubernetes(apiVersion) && !hasGroup(custom, apiVersion)) return [];
    return [
      isOfKubernetes(apiVersion)
        ? `${name}: unknown kind in Kubernetes ${minor}`
        : `${name}: unknown kind, which no operator of the platform defines`,
    ];
  };
  return { problems, apiVersions: apiVersionsOf(kubernetes, custom) };
}

/** The validator of a custom resource; undefined for a kind that the file does not have. */
function validatorOf(compiler: Compiler, key: string): Validator | undefined {
  const resource = compiler.file.kinds[key];
  return resource === undefined ? undefined : compiler.validator(resource.definition);
}

type Validator = ReturnType<Compiler['validator']>;

const hasGroup = (compiler: Compiler, apiVersion: string): boolean =>
  Object.keys(compiler.file.kinds).some((key) => key.startsWith(`${apiVersion.replace(/\/.*/, '')}/`));

// A definition is compiled for the first object of its kind.
const compiled = new WeakMap<KubernetesObject, Compiler>();

/** The validator of a custom resource whose definition a chart brings. */
function validatorOfCharts({ objects }: Definitions, key: string): Validator | undefined {
  const kind = key.slice(key.lastIndexOf('/') + 1);
  for (const definition of objects) {
    if ((definition.spec as { names?: { kind?: string } } | undefined)?.names?.kind !== kind) continue;
    const compiler = compiled.get(definition) ?? compilerFor(readCustomResources([definition]), nameOf(definition));
    compiled.set(definition, compiler);
    const validate = validatorOf(compiler, key);
    if (validate !== undefined) return validate;
  }
  return undefined;
}

const isKnown = (minor: string): minor is KubernetesMinor => KUBERNETES_MINORS.some((known) => known === minor);
const isStable = (key: string): boolean => !/(^|\/)v\d+(alpha|beta)\d+\//.test(key);
/** By its group, as Kubernetes' own are named; the Gateway API is one of the few others below k8s.io. */
const isOfKubernetes = (apiVersion: string): boolean =>
  !/^[^/]*\./.test(apiVersion) || (/^[^/]*\.k8s\.io\//.test(apiVersion) && !apiVersion.startsWith('gateway.'));

function typeProblems(object: KubernetesObject): string[] {
  const problems: string[] = [];
  for (const field of ['apiVersion', 'kind']) {
    const value = object[field];
    if (value === undefined) problems.push(`${field}: missing`);
    else if (typeof value !== 'string') problems.push(`${field}: must be string (it is ${shown(value)})`);
  }
  return problems;
}

/** An API server takes no object without a name; its schemas do not say so. */
function nameProblems(object: Readonly<Record<string, unknown>>): string[] {
  const { metadata = {} } = object;
  // Of another type, it is a problem already.
  if (typeof metadata !== 'object' || metadata === null) return [];
  return 'name' in metadata || 'generateName' in metadata ? [] : ['metadata.name: missing'];
}

const OBJECT_META = `${DEFINITIONS}apis.meta.v1.ObjectMeta`;

/** Schemas of custom resources do not describe metadata: the API server checks it as that of any object. */
const metadataProblems = (object: KubernetesObject, validate: Validator): string[] => [
  ...nameProblems(object),
  ...('metadata' in object ? problemsOf(validate, object.metadata, object, '/metadata') : []),
];

function customResourceProblems(object: KubernetesObject, validate: Validator): string[] {
  // The API server validates an object with its defaults filled in. Ajv fills in those of a copy, but only after it has
  // looked at alternatives: hence the second pass.
  const filled = structuredClone(object);
  validate(filled);
  return problemsOf(validate, filled, object);
}

const judged = new WeakMap<Validator, WeakMap<KubernetesObject, readonly string[]>>();

/** What a validator finds in an object: versions of Kubernetes that share it find the same. */
function onceFor(object: KubernetesObject, validate: Validator, judge: () => string[]): string[] {
  const known = judged.get(validate) ?? new WeakMap<KubernetesObject, readonly string[]>();
  judged.set(validate, known);
  const problems = known.get(object) ?? judge();
  known.set(object, problems);
  return [...problems];
}

function apiVersionsOf(kubernetes: Compiler, custom: Compiler): string[] {
  const kinds = [
    ...Object.entries(kubernetes.file.kinds).filter(([key]) => isStable(key)),
    ...Object.entries(custom.file.kinds),
  ];
  const apis = new Set<string>();
  // Argo CD leaves out what it could not watch.
  for (const [key, { listed }] of kinds) if (listed) apis.add(key.slice(0, key.lastIndexOf('/'))).add(key);
  return [...apis].sort();
}
