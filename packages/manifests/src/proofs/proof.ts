import type { Schemas } from '@gitops/tools/schemas';
import type { Tools } from '@gitops/tools/tools';
import type { FleetApplication } from '../render/fleet.ts';
import type { Renderer } from '../render/renderer.ts';

/** What proofs work with, besides the fleet. */
export interface ProofContext {
  /** The repository's folder. */
  readonly root: string;
  readonly renderer: Renderer;
  readonly tools: Pick<Tools, 'bin'>;
  readonly schemas: Schemas;
}

/** An invariant of the repository. */
export interface Invariant {
  readonly name: string;
  /** What it is for. */
  readonly intent: string;
  /**
   * What has to render before it is asked, since it would say what is not true otherwise: the Applications of a cluster, or
   * all of them. By default it only asks about objects that are rendered.
   */
  readonly needs?: 'cluster' | 'fleet';
  /** Invariants of which it only shows the consequences: where one of these is broken, it is not asked. */
  readonly follows?: readonly string[];
  /** What breaks it, one line each, `file:line: key: rule`; empty if it holds. */
  readonly prove: (
    fleet: readonly FleetApplication[],
    context: ProofContext,
  ) => readonly string[] | Promise<readonly string[]>;
}

/** An invariant over one repository, ready to be asked about a fleet. */
export interface Proof extends Omit<Invariant, 'prove'> {
  readonly prove: (fleet: readonly FleetApplication[]) => readonly string[] | Promise<readonly string[]>;
}
