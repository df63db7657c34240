export interface TextPart {
  text: string;
  /** set when the part is an address of this deployment */
  href: string | null;
}

/** A mail's text, cut at the addresses that lead back into this deployment; other addresses stay plain text. */
export function withLinks(text: string, origin: string): TextPart[] {
  return text
    .split(/(https?:\/\/\S+)/)
    .filter((part) => part !== '')
    .map((part) => ({ text: part, href: URL.canParse(part) && new URL(part).origin === origin ? part : null }));
}
