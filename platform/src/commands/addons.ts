import { callProgram } from './programs.ts';

/** The add-ons that EKS recommends a version of, for a version of Kubernetes in a region. */
export type OfferedAddons = (region: string, kubernetesVersion: string) => Promise<readonly string[]>;

// EKS API reference, DescribeAddonVersions: of those that fit the version of Kubernetes, one is the default version. An
// apply takes that one (the data source aws_eks_addon_version).
const RECOMMENDED = 'addons[?contains(addonVersions[].compatibilities[].defaultVersion, `true`)].addonName';

/** Asks AWS: no table of ours could know of a release of today. Throws CommandError where AWS does not say. */
export const offeredAddons: OfferedAddons = async (region, kubernetesVersion) => {
  const answer = await callProgram(
    'aws',
    [
      ...['eks', 'describe-addon-versions', '--region', region, '--kubernetes-version', kubernetesVersion],
      ...['--owners', 'aws', '--query', RECOMMENDED, '--output', 'text'],
    ],
    { next: 'allow eks:DescribeAddonVersions to the role that calls' },
  );
  return answer.split(/\s+/).filter((name) => name !== '');
};
