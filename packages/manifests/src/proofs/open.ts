import { KUBERNETES_MINORS, type Schemas } from '@gitops/tools/schemas';
import type { Tools } from '@gitops/tools/tools';
import type { FleetOptions } from '../render/fleet.ts';
import type { Renderer } from '../render/renderer.ts';
import type { Invariant, Proof, ProofContext } from './proof.ts';
import { ALL, OF_OBJECTS } from './proofs.ts';
import { schemasOf } from './schemas.ts';

/** The invariants of proofs.ts over one repository. */
export interface Proofs {
  /** The capabilities that Helm sees in a cluster of a minor version. */
  readonly capabilities: FleetOptions['capabilities'];
  readonly all: readonly Proof[];
  /** Those that read only rendered objects. */
  readonly ofObjects: readonly Proof[];
}

/**
 * The invariants of proofs.ts over one repository.
 * @param root the repository's folder
 */
export function openProofs(root: string, renderer: Renderer, tools: Pick<Tools, 'bin'>, schemas: Schemas): Proofs {
  const context: ProofContext = { root, renderer, tools, schemas };
  const open = ({ prove, ...named }: Invariant): Proof => ({ ...named, prove: (fleet) => prove(fleet, context) });
  return {
    capabilities: (minor) => ({
      kubeVersion: schemas.kubernetes[KUBERNETES_MINORS.find((known) => known === minor) ?? '1.36'].version,
      apiVersions: schemasOf(schemas, minor).apiVersions,
    }),
    all: ALL.map(open),
    ofObjects: OF_OBJECTS.map(open),
  };
}
