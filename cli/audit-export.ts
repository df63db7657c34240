import { createReadStream, type Dirent } from 'node:fs';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { createGunzip } from 'node:zlib';
import { linesOf, type ExportLine } from '@gatehouse/core/audit/export-lines.ts';
import type { Verifier } from '@gatehouse/core/audit/note.ts';

/** Nothing that could be verified. */
export class BadExport extends Error {}

export interface ExportFiles {
  lines: AsyncIterable<ExportLine>;
  /** notes that came with it, apart from the lines */
  checkpoints: string[];
  /** files that were not read, because a larger one has their events: they vouch for nothing */
  leftOut: string[];
}

/** @throws BadExport */
export async function exportIn(path: string, verifiers: readonly Verifier[]): Promise<ExportFiles> {
  if (!(await stat(path)).isDirectory()) return { lines: linesOfFile(path, path), checkpoints: [], leftOut: [] };
  const tenantId = verifiers[0]?.name.split('/').at(-1) ?? '';
  const { folder, latest } = await folderOf(path, tenantId);
  const files = await filesIn(folder);
  if (files.segments.length === 0) throw new BadExport(`There is no file <first>-<last>.ndjson.gz in ${folder}`);
  const leftOut = files.leftOut.map((part) => relative(folder, part.path));
  return { lines: inOrder(folder, files), checkpoints: latest === null ? [] : [latest], leftOut };
}

/** A copy of the whole bucket has a folder for each organisation; the key says which one is meant. */
async function folderOf(path: string, tenantId: string): Promise<{ folder: string; latest: string | null }> {
  const isThere = async (folder: string) => (await stat(folder).catch(() => null))?.isDirectory() ?? false;
  const own = join(path, tenantId);
  const latest = await readFile(join(path, 'latest', tenantId, 'checkpoint'), 'utf8').catch(() => null);
  return { folder: tenantId !== '' && (await isThere(own)) ? own : path, latest };
}

interface Part {
  path: string;
  first: number;
  last: number;
}

const NAMED = /^(\d{12,})-(\d{12,})(?:\.e\d+)?\.(ndjson\.gz|ndjson|proof)$/;

interface Parts {
  segments: Part[];
  proofs: Part[];
  leftOut: Part[];
}

/**
 * Segments and proofs by their names. Other files (what was set aside, dead letters) are no part of the log. Segments become
 * larger files, and are written anew where events are erased: a copy that was made just then has both. Of two versions the newer
 * name comes first.
 */
async function filesIn(folder: string): Promise<Parts> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const parts = entries
    .flatMap((entry) => partOf(entry) ?? [])
    .sort((a, b) => a.first - b.first || b.last - a.last || (a.path < b.path ? -1 : 1));
  const found: Parts = { segments: [], proofs: parts.filter(({ path }) => path.endsWith('.proof')), leftOut: [] };
  for (const part of parts) {
    if (part.path.endsWith('.proof')) continue;
    const isInside = part.last <= (found.segments.at(-1)?.last ?? 0);
    (isInside ? found.leftOut : found.segments).push(part);
  }
  return found;
}

function partOf(entry: Dirent): Part | null {
  const [, first, last] = NAMED.exec(entry.name) ?? [];
  if (!entry.isFile() || first === undefined || last === undefined) return null;
  return { path: join(entry.parentPath, entry.name), first: Number(first), last: Number(last) };
}

/** Each segment behind the proofs that begin with it or inside it, as an export has them. */
async function* inOrder(folder: string, { segments, proofs }: Parts): AsyncGenerator<ExportLine> {
  let next = 0;
  for (const segment of segments) {
    let seq = segment.first;
    for await (const line of linesOfFile(segment.path, relative(folder, segment.path))) {
      for (; (proofs[next]?.first ?? Infinity) <= seq; next++) yield* linesOfPart(folder, proofs[next]);
      yield line;
      seq++;
    }
  }
  for (; next < proofs.length; next++) yield* linesOfPart(folder, proofs[next]);
}

async function* linesOfPart(folder: string, part: Part | undefined): AsyncGenerator<ExportLine> {
  if (part) yield* linesOfFile(part.path, relative(folder, part.path));
}

/** Unpacked if it is packed, whatever its name says. */
async function* linesOfFile(path: string, name: string): AsyncGenerator<ExportLine> {
  const source = createReadStream(path);
  try {
    if (!(await isGzip(path))) yield* linesOf(source, name);
    else yield* linesOf(source.pipe(createGunzip()), name);
  } catch (error) {
    if (error instanceof Error && /^(Z_|ERR_)/.test((error as NodeJS.ErrnoException).code ?? ''))
      throw new BadExport(`${name} can’t be unpacked: ${error.message}`);
    if (error instanceof RangeError) throw new BadExport(error.message);
    throw error;
  } finally {
    source.destroy();
  }
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}
