import { existsSync, lstatSync, readlinkSync } from "node:fs";
import { dirname, join } from "node:path";

/** PATH of whatever builds a box, and of what it finds inside. */
export const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What bubblewrap is told for a job to find the system's programs, a few files about the system, and nothing of its users. */
export function systemFiles(): readonly string[] {
  return [
    ...["--ro-bind", "/usr", "/usr"],
    ...["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"].flatMap(programDirectory),
    ...systemSettings.flatMap(settingsFile),
    ...["--proc", "/proc", "--dev", "/dev"],
  ];
}

/** Links into /usr on most systems, directories on others. */
function programDirectory(path: string): readonly string[] {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [];
  return found.isSymbolicLink() ? ["--symlink", readlinkSync(path), path] : ["--ro-bind", path, path];
}

/** How a job finds hosts by their names: its own alone, since the proxy finds the others. */
export function ownNames(): readonly string[] {
  const own = join(import.meta.dirname, "etc");
  return ["hosts", "nsswitch.conf"].flatMap((name) => ["--ro-bind", join(own, name), `/etc/${name}`]);
}

/** How whoever shares the machine's network finds hosts by their names. */
export function machineNames(): readonly string[] {
  const paths = ["/etc/hosts", "/etc/nsswitch.conf", "/etc/resolv.conf", "/etc/host.conf", "/etc/gai.conf"];
  return paths.flatMap((path) => ["--ro-bind-try", path, path]);
}

function settingsFile(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  const parent = dirname(path);
  return ["--perms", "0755", "--dir", parent, "--ro-bind", path, path];
}

/** Of /etc what programs cannot do without: libraries, certificates, names of alternatives, the time zone. */
const systemSettings = [
  "/etc/ld.so.cache",
  "/etc/ld.so.conf",
  "/etc/ld.so.conf.d",
  "/etc/alternatives",
  "/etc/ssl/certs",
  "/etc/ssl/openssl.cnf",
  "/etc/ca-certificates",
  "/etc/pki",
  "/etc/localtime",
  "/etc/mime.types",
  "/etc/os-release",
  "/etc/protocols",
  "/etc/services",
  "/etc/fonts",
];

/** What a job finds as its /etc/passwd: itself, and whom files of others belong to. */
export function passwdFile({ uid, gid }: { readonly uid: number; readonly gid: number }, home: string): string {
  return [
    "root:x:0:0:root:/:/usr/sbin/nologin",
    `job:x:${uid}:${gid}:job:${home.replaceAll(":", "_")}:/bin/sh`,
    "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
  ].join("\n");
}

/** What a job finds as its /etc/group. */
export function groupFile({ gid }: { readonly gid: number }): string {
  return `root:x:0:\njob:x:${gid}:\nnogroup:x:65534:\n`;
}
