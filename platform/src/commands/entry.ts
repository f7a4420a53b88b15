import { CommandError } from '@gitops/report/errors';
import { type AwsClusterSettings, settingProblem, SettingsError } from '@gitops/settings';
import { deployRole, projectOf } from '../names.ts';
import { callProgram } from './programs.ts';

/**
 * Throws SettingsError where whoever calls has no entry in the cluster that lets a Helm release in: Kubernetes would
 * only say that the server has asked for credentials. Throws CommandError where AWS does not say who calls.
 * @param root the repository's folder
 */
export async function requireEntry(cluster: AwsClusterSettings, root: string): Promise<void> {
  const args = ['sts', 'get-caller-identity', '--query', 'Arn', '--output', 'text'];
  const caller = (await callProgram('aws', args, { next: 'log in again' })).trim();
  if (caller === '') throw new CommandError('AWS does not say who calls', 'log in again');
  const entries = [deployRole(projectOf(cluster), cluster), ...cluster.api.adminRoles];
  // arn:aws:sts::111111111111:assumed-role/platform-team/alice: without the path that the role may have.
  const role = /:assumed-role\/([^/]+)\//.exec(caller)?.[1]?.toLowerCase();
  if (entries.some((entry) => entry.replace(/^.*\//, '').toLowerCase() === role)) return;
  throw new SettingsError([
    settingProblem(
      root,
      cluster.name,
      ['api', 'adminRoles'],
      `must have the role of whoever applies ${cluster.name}-argocd, and you are ${caller}; ` +
        `add it and \`make apply STACK=${cluster.name}-cluster\`, or assume one of these`,
    ),
  ]);
}
