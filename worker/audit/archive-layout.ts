/** Numbers are padded so that names sort as numbers do. */
const padded = (seq: number) => String(seq).padStart(12, '0');

/** `tenant/yyyy/mm/dd/first-last.ndjson.gz`, by the day (UTC) on which the segment was sealed. */
export const segmentKey = (tenantId: string, sealedAt: string, first: number, last: number): string =>
  `${tenantId}/${sealedAt.slice(0, 10).replaceAll('-', '/')}/${padded(first)}-${padded(last)}.ndjson.gz`;

/** The numbers that a segment's name says; null for whatever is no segment. */
export function segmentBoundsOf(key: string): { first: number; last: number } | null {
  const match = /\/\d{4}\/\d\d\/\d\d\/(\d{12})-(\d{12})(?:\.e\d+)?\.ndjson\.gz$/.exec(key);
  return match ? { first: Number(match[1]), last: Number(match[2]) } : null;
}
/** `yyyy-mm-dd` of a segment's name. */
export const sealedDayOf = (key: string): string => key.split('/').slice(1, 4).join('-');

/** Where a larger file lies once events in it were erased: the newest version's name sorts first, and before the first one's. */
export const erasedVersionKey = (fileKey: string, now: number): string =>
  fileKey.replace(/(?:\.e\d+)?\.ndjson\.gz$/, `.e${String(9_999_999_999_999 - now).padStart(13, '0')}.ndjson.gz`);

/** What a file of several blocks holds, and where in it. */
export const sidecarKey = (fileKey: string): string => fileKey.replace(/\.ndjson\.gz$/, '.index.json');

/** What vouches for a segment, beside it. */
export const proofKey = (segmentKey: string): string => segmentKey.replace(/\.ndjson\.gz$/, '.proof');

/** The newest checkpoint of a log, the only thing of the archive that is written again: so a lock on the rest leaves it out. */
export const latestCheckpointKey = (tenantId: string): string => `latest/${tenantId}/checkpoint`;

/** An event that a destination refuses for good, with the reason. */
export const quarantineKey = (tenantId: string, destinationId: string, seq: number): string =>
  `${tenantId}/quarantine/${destinationId}/${padded(seq)}.json`;

export const quarantinePrefix = (tenantId: string): string => `${tenantId}/quarantine/`;
export const quarantinedSeqOf = (key: string): number => Number(/(\d{12})\.json$/.exec(key)?.[1] ?? 0);

/** A queue message that failed too often. */
export const deadLetterKey = (at: Date, messageId: string): string =>
  `dead-letters/${at.toISOString().slice(0, 10).replaceAll('-', '/')}/${messageId}.json`;
