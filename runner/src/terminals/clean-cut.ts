/** what joins the character before it, or may */
const JOINING = /^[\p{M}\p{Cf}\u1160-\u11ff]/u;
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * The last place in a stretch of text where output can be cut, so that what follows means the same to a terminal that has
 * not seen what precedes: between two characters, and neither before one that joins its predecessor nor before the end, where
 * one may follow, or the request to repeat it. Behind a control character nothing joins.
 * @param from where the stretch begins, @param end where it ends: at a control sequence or where the output ends
 * @returns null when the whole stretch holds no such place
 */
export function cutIn(bytes: Uint8Array, from: number, end: number): number | null {
  let following = end;
  for (let at = end - 1; at >= from; at--) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x20) return at + 1;
    if (byte < 0x7f) return at;
    if (byte < 0xc0) continue;
    if (isWhole(byte, following - at) && !JOINING.test(utf8.decode(bytes.subarray(at, following)))) return at;
    following = at;
  }
  return null;
}

/** @param lead first byte of a character, @param length of it and its continuation bytes */
const isWhole = (lead: number, length: number): boolean => length >= (lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2);
