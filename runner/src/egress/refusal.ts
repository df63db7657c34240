/** A way out that is not allowed, with why in words that follow “… is refused: ”. */
export class EgressRefused extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'EgressRefused';
  }
}

/** What programs and people are told. @param what `host example.com`, `repository https://…` */
export const hintOf = (what: string, why: string): string =>
  `Blocked by your organisation’s egress policy: ${what}. ${why.charAt(0).toUpperCase()}${why.slice(1)}. Ask an administrator of the template if you need it.`;

/** Whatever a program says that it wants, as it can be shown and recorded: nothing that moves a cursor or breaks a line. */
export const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 260);
