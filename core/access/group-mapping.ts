/** Which groups of a directory a mapping is about, by their names. */

export const MAPPING_KINDS = ['name', 'prefix', 'regex'] as const;
export type MappingKind = (typeof MAPPING_KINDS)[number];

/** What becomes of a group that a mapping made once the directory's is gone. */
export const MADE_GROUP_ENDS = ['empty', 'delete'] as const;

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

/** What a group that a mapping makes is called: `$1` stands for the rest of the name, or for what a regular expression caught. */
export interface MadeName extends NamePattern {
  name: string;
}

const PLACES = /\$(\d)/gu;
const LONGEST_MADE = 80;

/** Why groups can't be called that; null when they can. */
export function madeNameFault({ kind, pattern, name }: MadeName): string | null {
  const most = { name: 0, prefix: 1, regex: kind === 'regex' && patternFault({ kind, pattern }) === null ? capturesOf(pattern) : 9 }[kind];
  const beyond = [...name.matchAll(PLACES)].find(([, place]) => Number(place) > most)?.[0];
  if (beyond !== undefined) return `names ${beyond}, which the pattern does not have`;
  const same = name === '$0' || (kind === 'name' && name.toLowerCase() === pattern.toLowerCase());
  return same ? 'is the name of the directory’s own group, which is here already' : null;
}

const capturesOf = (pattern: string): number => (new RegExp(`${pattern}|`, 'iu').exec('')?.length ?? 1) - 1;

/** The name of the group that is made for a group of the directory; null where nothing fit to be a name comes out. */
export function madeName({ kind, pattern, name }: MadeName, of: string): string | null {
  if (!matchesName({ kind, pattern }, of)) return null;
  const caught = kind === 'regex' ? [...(new RegExp(`^(?:${pattern})$`, 'iu').exec(of) ?? [])] : [of, of.slice(pattern.length)];
  const made = name.replaceAll(PLACES, (_, place: string) => caught[Number(place)] ?? '').trim();
  return made === '' || made.length > LONGEST_MADE || /\p{Cc}/u.test(made) ? null : made;
}
