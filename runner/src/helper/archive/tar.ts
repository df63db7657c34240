/** The tar format (POSIX ustar with pax headers), as far as files, folders and links of one workspace need it. */

export const BLOCK = 512;
export const END = 2 * BLOCK;

export interface TarEntry {
  /** "/" between names; a folder's without one at its end */
  name: string;
  kind: 'file' | 'directory' | 'symlink';
  size: number;
  mode: number;
  /** seconds since the epoch */
  modified: number;
  /** of a link: where it leads */
  link: string;
}

/** Bytes behind a file's content, so that the next header begins at a block. */
export const paddingOf = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;

const FLAGS = { file: '0', directory: '5', symlink: '2', pax: 'x' } as const;
/** the largest size that eleven octal digits say */
const MOST_SIZE = 8 ** 11 - 1;

const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0').slice(-digits);
const fits = (text: string) => text.length <= 100 && /^[\x20-\x7e]*$/.test(text);

interface Plain {
  name: string;
  link: string;
  flag: string;
  size: number;
  mode: number;
  modified: number;
}

function block({ name, link, flag, size, mode, modified }: Plain): Buffer {
  const bytes = Buffer.alloc(BLOCK);
  const put = (text: string, at: number, most: number) => bytes.write(text, at, most, 'latin1');
  put(name, 0, 100);
  put(`${octal(mode & 0o777, 7)}\0`, 100, 8);
  put(`${octal(0, 7)}\0`, 108, 8);
  put(`${octal(0, 7)}\0`, 116, 8);
  put(`${octal(Math.min(size, MOST_SIZE), 11)}\0`, 124, 12);
  put(`${octal(Math.max(0, Math.min(modified, MOST_SIZE)), 11)}\0`, 136, 12);
  put('        ', 148, 8);
  put(flag, 156, 1);
  put(link, 157, 100);
  put('ustar\x0000', 257, 8);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  put(`${octal(sum, 6)}\0 `, 148, 8);
  return bytes;
}

/** "24 path=a/long/name\n": the number counts itself. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes + String(bytes).length;
  if (String(length).length > String(bytes).length) length = bytes + String(length).length;
  return `${length}${rest}`;
}

/** All that stands before an entry's content. Long names, and such with other letters, are in a pax header. */
export function headerOf({ name, kind, size, mode, modified, link }: TarEntry): Buffer {
  const whole = kind === 'directory' ? `${name}/` : name;
  const records = [
    ...(fits(whole) ? [] : [record('path', whole)]),
    ...(fits(link) ? [] : [record('linkpath', link)]),
    ...(size > MOST_SIZE ? [record('size', String(size))] : []),
  ];
  const own = block({
    name: fits(whole) ? whole : 'long-name',
    link: fits(link) ? link : 'long-name',
    flag: FLAGS[kind],
    size,
    mode,
    modified,
  });
  if (records.length === 0) return own;
  const text = Buffer.from(records.join(''));
  const pax = block({ name: 'pax-header', link: '', flag: FLAGS.pax, size: text.byteLength, mode: 0o644, modified });
  return Buffer.concat([pax, text, Buffer.alloc(paddingOf(text.byteLength)), own]);
}
