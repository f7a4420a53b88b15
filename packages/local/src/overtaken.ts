import type { Publication } from '@gitops/delivery/commit';
import { gitIn } from '@gitops/delivery/git';
import { commitsOf } from '@gitops/delivery/log';
import { RunError } from '@gitops/tools/run';
import { comparedRevision, entryRevision, pathsOf, shortCommit } from './applications.ts';
import type { Application } from './argocd-api.ts';
import type { Instance } from './instance.ts';
import { servedRepository } from './repository.ts';

/** A commit that another one followed before Argo CD was done with it: the Application runs the later one. */
export interface Overtaken {
  readonly application: string;
  /** The newest commit that came after and touches the Application. */
  readonly by: string;
  /** The first line of its message. */
  readonly subject: string;
  /** How many came after, this one included. */
  readonly commits: number;
  /** Whether Argo CD deployed the earlier one as well, for a moment. */
  readonly wasDeployed: boolean;
}

/** Which of these Applications run a later commit than a publication. */
export async function overtaken(
  instance: Instance,
  { commit }: Publication,
  applications: readonly Application[],
): Promise<Overtaken[]> {
  const found: Overtaken[] = [];
  for (const application of applications) {
    const revision = comparedRevision(application);
    if (revision === undefined || revision === commit) continue;
    const later = await commitsAfter(instance, `${commit}..${revision}`, application);
    const newest = later.at(-1);
    if (newest === undefined) continue;
    found.push({
      application: application.metadata.name,
      by: newest.commit,
      subject: newest.message.split('\n')[0] ?? '',
      commits: later.length,
      wasDeployed: (application.status?.history ?? []).some((entry) => entryRevision(entry) === commit),
    });
  }
  return found;
}

async function commitsAfter(instance: Instance, range: string, application: Application) {
  try {
    return await commitsOf(gitIn(servedRepository(instance)), range, pathsOf(application));
  } catch (error) {
    if (error instanceof RunError) return [];
    throw error;
  }
}

/** One line. */
export function overtakenInWords(
  commit: string,
  { application, by, subject, commits, wasDeployed }: Overtaken,
): string {
  const others = commits === 1 ? '' : `, the newest of ${commits} commits`;
  const own = wasDeployed ? 'was deployed before' : 'was not deployed by itself';
  return `Overtaken: ${application} runs ${shortCommit(by)} (${subject})${others} that came after ${shortCommit(commit)}, which ${own}.`;
}
