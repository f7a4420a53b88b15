type Version = readonly [major: number, minor: number, patch: number];

const parse = (text: string): Version => {
  const [, major = '0', minor = '0', patch = '0'] = /^v?(\d+)\.(\d+)\.(\d+)/.exec(text) ?? [];
  return [Number(major), Number(minor), Number(patch)];
};

/** Whether a version, `v3.5.7`, is newer than another; what follows a patch version does not count. */
export function isNewer(version: string, than: string): boolean {
  const old = parse(than);
  const [index, part] = [...parse(version).entries()].find(([at, value]) => value !== old[at]) ?? [0, old[0]];
  return part > (old[index] ?? 0);
}

/** Whether going from one version to a newer one leaves out a minor version; the first of the next major is the next. */
export function skipsMinor(from: string, to: string): boolean {
  const [major, minor] = parse(from);
  const [nextMajor, nextMinor] = parse(to);
  if (nextMajor === major) return nextMinor > minor + 1;
  return nextMajor > major + 1 || (nextMajor === major + 1 && nextMinor > 0);
}
