/** The values of variables whose names say that they are secret, such as NPM_TOKEN; the same goes for headers. */
export function secretValues(variables: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(variables).flatMap(([name, value]) => (secretName.test(name) ? [value] : []));
}

const secretName =
  /(token|secret|password|passwd|(api|access|private|secret)[_-]?key|credentials|authorization|cookie)$/i;
