/** The clusters that an image passes, in this order. Clusters that are not listed, such as local, are free. */
export const PIPELINE = ['dev', 'staging', 'production'] as const;

/** The cluster that must have run an image before this one; undefined for the first and for clusters that are free. */
export function clusterBefore(cluster: string): string | undefined {
  const index = (PIPELINE as readonly string[]).indexOf(cluster);
  return index > 0 ? PIPELINE[index - 1] : undefined;
}
