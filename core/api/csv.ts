/** What a spreadsheet takes for the beginning of a formula, also after blanks that it drops. */
const FORMULA = /^[\s]*[=+\-@\t\r]/;

/** One line of CSV (RFC 4180). Text that a spreadsheet would run as a formula begins with an apostrophe instead. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map((cell) => `"${(FORMULA.test(cell) ? `'${cell}` : cell).replaceAll('"', '""')}"`).join(',')}\r\n`;
}
