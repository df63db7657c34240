import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const HEADER = 32;
const FRAME_HEADER = 24;
const PAGE_SIZE_AT = 8;
const SALT = [16, 24] as const;

/**
 * Counts what SQLite commits below a state folder, from outside: each transaction ends in a frame of the write-ahead
 * log that says so. workerd deletes a log when its object leaves memory, 10 s after its last event: look more often.
 */
export class Commits {
  readonly #folder: string;
  #seen = new Map<string, { salt: string; commits: number }>();

  constructor(folder: string) {
    this.#folder = folder;
    this.take();
  }

  /** @returns transactions since the last look, by kind of database: the name of its folder */
  take(): Map<string, number> {
    const [found, seen] = [new Map<string, number>(), new Map<string, { salt: string; commits: number }>()];
    for (const file of this.#logs()) {
      const log = commitsIn(join(this.#folder, file));
      if (log === null) continue;
      const before = this.#seen.get(file);
      const fresh = before?.salt === log.salt ? log.commits - before.commits : log.commits;
      seen.set(file, log);
      const kind = basename(dirname(file));
      found.set(kind, (found.get(kind) ?? 0) + fresh);
    }
    this.#seen = seen;
    return found;
  }

  /** Miniflare's own notes on objects and alarms are left out: the platform does not bill them. */
  #logs(): string[] {
    const files = readdirSync(this.#folder, { recursive: true, encoding: 'utf8' });
    return files.filter((file) => file.endsWith('.sqlite-wal') && !file.endsWith('/metadata.sqlite-wal'));
  }
}

/** What is behind the newest frame is of an older log, and has another salt. */
function commitsIn(file: string): { salt: string; commits: number } | null {
  const bytes = read(file);
  if (bytes.byteLength < HEADER) return null;
  const size = FRAME_HEADER + bytes.readUInt32BE(PAGE_SIZE_AT);
  const salt = bytes.toString('hex', ...SALT);
  let commits = 0;
  for (let at = HEADER; at + size <= bytes.byteLength && bytes.toString('hex', at + 8, at + 16) === salt; at += size) {
    if (bytes.readUInt32BE(at + 4) !== 0) commits++;
  }
  return { salt, commits };
}

/** Files come and go while we look. */
function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}
