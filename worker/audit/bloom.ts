/**
 * A small set that answers "certainly not" or "perhaps", for terms (numbers of 48 bits). Ten bits a term and
 * four places each: about one wrong "perhaps" in a hundred.
 */
const BITS_A_TERM = 10;
const PLACES = 4;

export function bloomOf(terms: ReadonlySet<number>): Uint8Array {
  const bloom = new Uint8Array(Math.max(8, Math.ceil((terms.size * BITS_A_TERM) / 8)));
  for (const term of terms) for (const place of placesOf(term, bloom)) bloom[place >> 3] = (bloom[place >> 3] ?? 0) | (1 << (place & 7));
  return bloom;
}

export const mayHold = (bloom: Uint8Array, term: number): boolean =>
  placesOf(term, bloom).every((place) => ((bloom[place >> 3] ?? 0) & (1 << (place & 7))) !== 0);

function placesOf(term: number, { length }: Uint8Array): number[] {
  const low = term % 2 ** 32;
  const step = Math.floor(term / 2 ** 32) * 2 + 1;
  return Array.from({ length: PLACES }, (_, index) => (low + index * step) % (length * 8));
}
