import picomatch from 'picomatch';
import type { FileStyle } from '../file-style.ts';

/** One `.editorconfig`, as it is written. */
export interface EditorConfig {
  /** folders above are not asked */
  root: boolean;
  sections: { glob: string; pairs: ReadonlyMap<string, string> }[];
}

/** More is nobody's settings. */
const MOST_LINES = 5_000;

export function parseEditorConfig(text: string): EditorConfig {
  const config: EditorConfig = { root: false, sections: [] };
  let pairs: Map<string, string> | null = null;
  for (const line of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/, MOST_LINES)
    .map((raw) => raw.trim())) {
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    const glob = /^\[(.+)\]$/.exec(line)?.[1];
    if (glob !== undefined) {
      pairs = new Map();
      config.sections.push({ glob, pairs });
      continue;
    }
    const [, name, value] = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    if (pairs === null) config.root ||= name.toLowerCase() === 'root' && value.toLowerCase() === 'true';
    else pairs.set(name.toLowerCase(), value.toLowerCase());
  }
  return config;
}

/** @param configs from the outermost folder in. @param paths of the file, seen from the folder of each */
export function styleFrom(configs: readonly EditorConfig[], paths: readonly string[]): FileStyle {
  const pairs = new Map<string, string>();
  configs.forEach(({ sections }, index) => {
    for (const section of sections)
      if (matches(section.glob, paths[index] ?? '')) for (const [name, value] of section.pairs) pairs.set(name, value);
  });
  return readPairs(pairs);
}

function matches(glob: string, path: string): boolean {
  // `**` reaches through folders wherever it stands
  const deep = glob.replace(/\*\*(?!\/)/g, '**/*');
  const anchored = deep.includes('/') ? deep.replace(/^\//, '') : `**/${deep}`;
  try {
    return picomatch(numbers(anchored), { dot: true, nonegate: true, noextglob: true })(path);
  } catch {
    return false;
  }
}

/** `{3..5}` is 3, 4 or 5. */
const numbers = (glob: string): string =>
  glob.replace(/\{(-?\d+)\.\.(-?\d+)\}/g, (_, from: string, to: string) => {
    const [low, high] = [Math.min(Number(from), Number(to)), Math.max(Number(from), Number(to))];
    return `{${Array.from({ length: Math.min(high - low + 1, 1_000) }, (_unused, step) => low + step).join(',')}}`;
  });

function readPairs(pairs: ReadonlyMap<string, string>): FileStyle {
  const style: FileStyle = {};
  const yes = (name: string): boolean | null => (pairs.get(name) === 'true' ? true : pairs.get(name) === 'false' ? false : null);
  const count = (name: string, most: number): number | null => {
    const value = Number(pairs.get(name));
    return Number.isInteger(value) && value >= 1 && value <= most ? value : null;
  };
  const kind = pairs.get('indent_style');
  if (kind === 'tab' || kind === 'space') style.indentStyle = kind;
  const tabWidth = count('tab_width', 16) ?? count('indent_size', 16);
  if (tabWidth !== null) style.tabWidth = tabWidth;
  const size = count('indent_size', 16) ?? (pairs.get('indent_size') === 'tab' || kind === 'tab' ? tabWidth : null);
  if (size !== null) style.indentSize = size;
  const end = pairs.get('end_of_line');
  if (end === 'lf' || end === 'crlf') style.endOfLine = end === 'lf' ? '\n' : '\r\n';
  const charset = pairs.get('charset');
  if (charset === 'utf-8' || charset === 'utf-8-bom') style.byteOrderMark = charset === 'utf-8-bom';
  const [trim, final] = [yes('trim_trailing_whitespace'), yes('insert_final_newline')];
  if (trim !== null) style.trimTrailingWhitespace = trim;
  if (final !== null) style.insertFinalNewline = final;
  const length = count('max_line_length', 1_000);
  if (length !== null) style.maxLineLength = length;
  return style;
}
