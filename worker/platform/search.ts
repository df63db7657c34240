/** The pattern of LIKE … ESCAPE '\' for text that contains what is looked for; null when nothing is. */
export function containing(text: string | undefined): string | null {
  const wanted = text?.trim() ?? '';
  return wanted === '' ? null : `%${wanted.replace(/[\\%_]/g, (special) => `\\${special}`)}%`;
}
