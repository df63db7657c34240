/** What a project asks of a file, as .editorconfig says it. What is left out, nobody asks for. */
export interface FileStyle {
  indentStyle?: 'tab' | 'space';
  /** columns of one step */
  indentSize?: number;
  tabWidth?: number;
  endOfLine?: '\n' | '\r\n';
  /** whether the file begins with a byte order mark */
  byteOrderMark?: boolean;
  trimTrailingWhitespace?: boolean;
  insertFinalNewline?: boolean;
  /** columns; where a line is too long */
  maxLineLength?: number;
}

export const NO_STYLE: FileStyle = {};

const BYTE_ORDER_MARK = '\ufeff';

/** The text as the project wants it saved. Line ends are the document's. @param keep a line that is not trimmed, counted from 0 */
export function styled(text: string, style: FileStyle, keep: number | null = null): string {
  let result = text;
  if (style.trimTrailingWhitespace === true) {
    result = result
      .split('\n')
      .map((line, index) => (index === keep ? line : line.replace(/[^\S\r\n]+(?=\r?$)/, '')))
      .join('\n');
  }
  if (style.insertFinalNewline === true && result !== '' && !result.endsWith('\n')) result += result.includes('\r\n') ? '\r\n' : '\n';
  if (style.byteOrderMark === true && !result.startsWith(BYTE_ORDER_MARK)) result = BYTE_ORDER_MARK + result;
  if (style.byteOrderMark === false && result.startsWith(BYTE_ORDER_MARK)) result = result.slice(1);
  return result;
}
