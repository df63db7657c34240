const HEAD = '\x1b[3';
const WORDS = ' ✓ grün 日本語 naïve: a line of a log, about as long as programs print them, with its colour\x1b[0m\n';
const BATCH = 10_000;

const line = (index: number) => `${HEAD}${index % 8}m${String(index).padStart(8, '0')}${WORDS}`;
const LINE_BYTES = Buffer.byteLength(line(0));

/** Coloured UTF-8 lines, at least `bytes` of them, each numbered, so that nothing can be lost or doubled unseen. */
export function colouredLines(bytes: number): Buffer {
  const count = Math.ceil(bytes / LINE_BYTES);
  const batches: Buffer[] = [];
  for (let from = 0; from < count; from += BATCH) {
    const indices = Array.from({ length: Math.min(BATCH, count - from) }, (_none, at) => from + at);
    batches.push(Buffer.from(indices.map(line).join('')));
  }
  return Buffer.concat(batches);
}

/** The shell command that writes the same into a file, in ASCII, whatever the locale is. */
export function writeColouredLines(bytes: number, file: string): string {
  const words = [...Buffer.from(WORDS)].map((byte) =>
    byte < 32 || byte > 126 ? `\\${byte.toString(8).padStart(3, '0')}` : String.fromCharCode(byte),
  );
  const count = Math.ceil(bytes / LINE_BYTES);
  return `awk 'BEGIN { for (i = 0; i < ${count}; i++) printf "\\033[3%dm%08d${words.join('')}", i % 8, i }' > ${file}`;
}
