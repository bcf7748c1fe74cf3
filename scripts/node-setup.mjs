// What with-node.mjs decides by, without touching anything. Plain JavaScript for Node 18 and later.
import { delimiter } from "node:path";

/**
 * Whether what npm installed is what the lock asks for. An optional package may be absent (another platform's), but
 * not of another version.
 *
 * @param {LockFile} lock package-lock.json
 * @param {LockFile} installed node_modules/.package-lock.json, which npm writes when an installation is complete
 *
 * @typedef {{ packages: Record<string, { version?: string, optional?: boolean }> }} LockFile
 */
export function isInstalled(lock, installed) {
  return Object.entries(lock.packages)
    .filter(([path]) => path !== "")
    .every(([path, wanted]) => {
      const found = installed.packages[path];
      return found ? found.version === wanted.version : wanted.optional === true;
    });
}

/**
 * Whether a Node version such as `v24.1.0` satisfies an engines range of the form `>=22.18`.
 *
 * @param {string} version
 * @param {string} range
 */
export function isNewEnough(version, range) {
  const [major, minor] = numbers(version);
  const [leastMajor, leastMinor] = numbers(range);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}

/**
 * @param {string} text
 * @returns {[number, number]}
 */
function numbers(text) {
  const found = /(\d+)\.(\d+)/.exec(text);
  if (!found) throw new Error(`"${text}" holds no version`);
  return [Number(found[1]), Number(found[2])];
}

/**
 * PATH without the folders npm adds for a script, so that a command found there is the system's own.
 *
 * @param {string} path
 */
export function systemPath(path) {
  return path
    .split(delimiter)
    .filter((folder) => !/[\\/](node_modules[\\/]\.bin|node-gyp-bin)$/.test(folder))
    .join(delimiter);
}
