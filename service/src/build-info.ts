// Replaced by the build (build.ts); where the source runs as it is, there is none.
declare const BUILD_INFO: { readonly version: string; readonly commit: string } | undefined;

/** What runs here: the version and the commit that the bundle was built of. */
export const buildInfo = typeof BUILD_INFO === 'undefined' ? { version: 'source', commit: 'unknown' } : BUILD_INFO;
