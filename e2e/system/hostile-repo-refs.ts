/** What nobody may name as a repository: gateway and runner both refuse it. */
export const hostileRepoRefs: readonly string[] = [
  ...["", "-u", "--upload-pack=id", "two words", "naïve", "a\nb", "a\0", "x".repeat(513)],
  ...["owner/name@--upload-pack=id", "owner/name@-b", "owner/-name", "owner/name@a..b", "owner/name@a.lock"],
  ...["ext::sh", "file:///etc/passwd", "ssh://git@github.com/o/n", "git@github.com:o/n", "git://github.com/o/n"],
  ...["/etc/passwd", "../x", "~/x", "//github.com/o/n", "https://github.com/o/../n", "https://github.com/o/%2e%2e/n"],
  ...["https://user:pw@github.com/o/n", "https://github.com@evil.example/o/n", "https://github.com\\@evil.example/o/n"],
  ...["https://127.0.0.1/o/n", "https://2130706433/o/n", "https://0x7f.1/o/n", "https://0177.0.0.1/o/n"],
  ...["https://[::1]/o/n", "https://[::ffff:127.0.0.1]/o/n", "https://169.254.169.254/o/n", "https://localhost/o/n"],
  ...["https://metadata.google.internal/o/n", "https://github.com:22/o/n", "http://github.com/o/n"],
];
