/**
 * Whether jobs may work on the repository of this canonical URL. A pattern is "host/owner/name" for one repository, or
 * "host/owner/*" or "host/*" for all below; without patterns all repositories are allowed.
 */
export function isRepositoryAllowed(url: string, patterns: readonly string[] | undefined): boolean {
  const { host, pathname } = new URL(url);
  const repository = `${host}${pathname}`;
  return (
    patterns === undefined ||
    patterns.some((pattern) =>
      pattern.endsWith("/*") ? repository.startsWith(pattern.slice(0, -1)) : repository === pattern,
    )
  );
}
