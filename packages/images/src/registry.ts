// Questions to a registry on this machine, by plain HTTP and without an account.

const MANIFESTS = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/**
 * The digest of an image; undefined when the registry does not have it. Throws when it does not answer.
 * @param address host:port
 * @param reference a tag or a digest
 */
export async function digestOf(address: string, repository: string, reference: string): Promise<string | undefined> {
  const url = `http://${address}/v2/${repository}/manifests/${reference}`;
  const response = await fetch(url, { method: 'HEAD', headers: { Accept: MANIFESTS } });
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.headers.get('docker-content-digest') ?? undefined;
}

/** The tags of a repository; empty when the registry has no image of that name. Throws when it does not answer. */
export async function tagsOf(address: string, repository: string): Promise<string[]> {
  const url = `http://${address}/v2/${repository}/tags/list`;
  const response = await fetch(url);
  if (response.status === 404) return [];
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const { tags } = (await response.json()) as { tags: string[] | null };
  return tags ?? [];
}
