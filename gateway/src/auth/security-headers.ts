const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

const apiPolicy = "default-src 'none'; frame-ancestors 'none'";

/** Sets what every answer carries so that a browser does nothing with it but what is meant. */
export function setSecurityHeaders(headers: Headers, { isPage, isHttps }: { isPage: boolean; isHttps: boolean }): void {
  headers.set("content-security-policy", isPage ? pagePolicy : apiPolicy);
  headers.set("x-content-type-options", "nosniff");
  headers.set("referrer-policy", "no-referrer");
  headers.set("cross-origin-opener-policy", "same-origin");
  headers.set("cross-origin-resource-policy", "same-origin");
  if (isHttps) headers.set("strict-transport-security", "max-age=31536000");
  if (!isPage && !headers.has("cache-control")) headers.set("cache-control", "no-store");
}
