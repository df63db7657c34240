/** Base 64 of RFC 4648 §4, with padding: as proofs, checkpoints and keys of transparency logs are written. */
export const toBase64 = (bytes: Uint8Array): string => {
  // In parts: so many arguments at once would not fit.
  let text = '';
  for (let start = 0; start < bytes.length; start += 8_192) text += String.fromCharCode(...bytes.subarray(start, start + 8_192));
  return btoa(text);
};

/** null unless it is exactly what `toBase64` makes: one value has one spelling. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return null;
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return toBase64(bytes) === text ? bytes : null;
}
