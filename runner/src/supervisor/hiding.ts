/** Shorter ones would be found in any line, and hide nothing that is worth it. */
const SHORTEST = 6;

/**
 * Takes secrets out of what a script prints, so that `env` in one does not write them into a log. A value of several lines
 * is looked for line by line. Not a wall: a script that turns a secret around prints it.
 */
export function hiding(secrets: Record<string, string> = {}): (text: string) => string {
  const values = Object.values(secrets)
    .flatMap((value) => [value, ...value.split(/\r?\n/)])
    .map((value) => value.trim())
    .filter((value) => value.length >= SHORTEST);
  const longestFirst = [...new Set(values)].sort((a, b) => b.length - a.length);
  return (text) => longestFirst.reduce((rest, value) => rest.replaceAll(value, '••••••'), text);
}
