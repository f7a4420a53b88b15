// Helm keeps each revision of a release in a Secret whose labels say how it ended. The provider cannot import a release
// that is not there, install one that is there in any state, or upgrade one that another operation has not finished. It
// takes a release that it cannot read for one that is gone, and forgets one whose installation failed (seen with
// hashicorp/helm 3.1.1; platform/test/simulated-aws/helm.ts has its words). So the records are looked at first.

/** A revision of a Helm release, by the labels of its Secret. */
export interface Revision {
  readonly release: string;
  readonly namespace: string;
  readonly number: number;
  /** Helm's word: deployed, superseded, failed, pending-install, pending-upgrade, pending-rollback, uninstalling. */
  readonly status: string;
  /** The name of the Secret. */
  readonly secret: string;
}

/** What becomes of a release that an apply left behind. */
export interface Verdict {
  /** Revisions that nobody finishes any more: their records are deleted. */
  readonly clear: readonly Revision[];
  /** Whether a revision is left that the provider can import and upgrade; otherwise it installs. */
  readonly isDeployed: boolean;
}

/**
 * What becomes of a release: absent → install; pending → clear, and again; deployed → import. One that never was
 * deployed is cleared as a whole: Helm installs over what is there of it, since it carries the release's name.
 * @param revisions of one release; empty where it does not exist
 */
export function verdictOn(revisions: readonly Revision[]): Verdict {
  const isDeployed = revisions.some(({ status }) => status === 'deployed');
  return { clear: isDeployed ? revisions.filter(isUnfinished) : revisions, isDeployed };
}

/** Whether an operation on a release has not come to its end: it was killed, or it runs right now. */
export const isUnfinished = ({ status }: Revision): boolean =>
  status.startsWith('pending-') || status === 'uninstalling';
