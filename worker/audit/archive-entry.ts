import { linesOf } from '@gatehouse/core/audit/export-lines.ts';
import { parseProofLine } from '@gatehouse/core/audit/proof-lines.ts';
import { hex } from './hash.ts';

/** Salt and event as an archived file has them; null when the file is gone, or the contents were erased. */
export async function readArchivedEntry(bucket: R2Bucket, key: string, seq: number): Promise<{ salt: string; event: string } | null> {
  const object = await bucket.get(key);
  if (!object) return null;
  for await (const { bytes } of linesOf(object.body.pipeThrough(new DecompressionStream('gzip')), key)) {
    const line = parseProofLine(bytes);
    if (line.kind === 'event' && line.seq === seq) return { salt: hex(line.salt), event: new TextDecoder().decode(line.body) };
    if (line.kind === 'erased' && line.seq === seq) return null;
  }
  return null;
}
