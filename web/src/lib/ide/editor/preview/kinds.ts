/** What files are that hold no text, and how they are shown. */

/** The types of images that browsers draw, by how files end. */
const IMAGES: Record<string, string> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  avif: 'image/avif',
  bmp: 'image/bmp',
  ico: 'image/x-icon',
  svg: 'image/svg+xml',
};

/** The type of an image, by its name; null: it is none. */
export const imageType = (name: string): string | null => IMAGES[name.slice(name.lastIndexOf('.') + 1).toLowerCase()] ?? null;

const BEGINNINGS: [readonly number[], string][] = [
  [[0x7f, 0x45, 0x4c, 0x46], 'a Linux program (ELF)'],
  [[0x50, 0x4b, 0x03, 0x04], 'a ZIP archive'],
  [[0x1f, 0x8b], 'compressed by gzip'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'compressed by Zstandard'],
  [[0x42, 0x5a, 0x68], 'compressed by bzip2'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'compressed by xz'],
  [[0x25, 0x50, 0x44, 0x46], 'a PDF document'],
  [[0x53, 0x51, 0x4c, 0x69, 0x74, 0x65], 'an SQLite database'],
  [[0x00, 0x61, 0x73, 0x6d], 'a WebAssembly module'],
  [[0xca, 0xfe, 0xba, 0xbe], 'a Java class'],
  [[0x77, 0x4f, 0x46, 0x32], 'a font (WOFF2)'],
  [[0x4f, 0x67, 0x67, 0x53], 'sound or film (Ogg)'],
  [[0x49, 0x44, 0x33], 'sound (MP3)'],
  [[0x4d, 0x5a], 'a Windows program'],
  [[0xff, 0xfe], 'text in UTF-16'],
  [[0xfe, 0xff], 'text in UTF-16'],
];

/** What a file is, by its first bytes; null: nobody knows. */
export function kindOf(bytes: Uint8Array): string | null {
  return BEGINNINGS.find(([beginning]) => beginning.every((byte, index) => bytes[index] === byte))?.[1] ?? null;
}

export const measure = (bytes: number): string => {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1e6 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
};
