/** Which groups of a directory a mapping is about, by their names. */

export const MAPPING_KINDS = ['name', 'prefix', 'regex'] as const;
export type MappingKind = (typeof MAPPING_KINDS)[number];

export interface NamePattern {
  kind: MappingKind;
  pattern: string;
}

/** Names longer than that match nothing by a regular expression. */
const LONGEST_NAME = 256;
/** Without groups that repeat, a match takes at most length^repeats steps: this many keep it in microseconds. */
const MOST_REPEATS = 3;

/**
 * Why a pattern can't be used; null when it can. Of regular expressions only those are taken that can't take long on any name: no
 * references back, no looking around, nothing repeated but single characters and classes, and few repeats.
 */
export function patternFault({ kind, pattern }: NamePattern): string | null {
  if (kind !== 'regex') return null;
  try {
    new RegExp(pattern, 'iu');
  } catch {
    return 'is no regular expression';
  }
  // Escaped characters and classes are single characters here.
  const plain = pattern.replaceAll(/\\(?:p\{[^}]*\}|u\{[^}]*\}|.)|\[(?:\\.|[^\]\\])*\]/giu, (atom) =>
    /^\\[1-9k]/u.test(atom) ? '\\' : 'a',
  );
  if (plain.includes('\\')) return 'must not refer back to what matched';
  if (/\(\?(?!:)/u.test(plain)) return 'must not look ahead or behind, nor name groups';
  if (/\)[*+?{]/u.test(plain)) return 'must not repeat a group';
  if ((plain.match(/[*+]|\{/gu)?.length ?? 0) > MOST_REPEATS) return `must repeat at most ${MOST_REPEATS} times`;
  return null;
}

/** Whether a group of that name is meant. Names are compared without regard to case; a regular expression is about the whole name. */
export function matchesName({ kind, pattern }: NamePattern, name: string): boolean {
  switch (kind) {
    case 'name':
      return name.toLowerCase() === pattern.toLowerCase();
    case 'prefix':
      return name.toLowerCase().startsWith(pattern.toLowerCase());
    case 'regex':
      return name.length <= LONGEST_NAME && patternFault({ kind, pattern }) === null && new RegExp(`^(?:${pattern})$`, 'iu').test(name);
  }
}
