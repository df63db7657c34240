import { sha256 as digest } from '@noble/hashes/sha2.js';
import { z } from 'zod';
import { fromBase64, toBase64 } from '@gatehouse/core/audit/base64.ts';
import { openCheckpoint, type Checkpoint } from '@gatehouse/core/audit/checkpoint.ts';
import { leafHash, sameHash, verifyConsistency, verifyInclusion, type Sha256 } from '@gatehouse/core/audit/merkle.ts';
import { NoteFaulty, parseVerifierKey, type Verifier } from '@gatehouse/core/audit/note.ts';
import type * as audit from '#lib/api/audit.ts';
import { count, dateTime, plural } from '#lib/time.ts';

/** Proofs are checked here, in the browser: signatures by WebCrypto, hashes by a library that doesn't make them wait. */

export const sha256: Sha256 = (...parts) => {
  const hash = digest.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** One thing that was looked at, and what came of it. */
export interface Check {
  /** "The signature" */
  what: string;
  ok: boolean;
  says: string;
}

/** What a browser saw of a log last: whoever comes back to it can tell whether what was there then is there still. */
export interface Seen {
  size: number;
  /** base64 */
  root: string;
  note: string;
  /** when it was seen first, ISO */
  at: string;
  keys: string[];
}
const seen = z.object({ size: z.number().int(), root: z.string(), note: z.string(), at: z.string(), keys: z.array(z.string()) });

export const isoNow = (): string => new Date().toISOString();

const storageKey = (origin: string) => `gatehouse.audit-checkpoint.${origin}`;

export function seenOf(origin: string, storage: Storage = localStorage): Seen | null {
  try {
    const found = seen.safeParse(JSON.parse(storage.getItem(storageKey(origin)) ?? 'null'));
    return found.success ? found.data : null;
  } catch {
    return null;
  }
}

export const keepSeen = (origin: string, value: Seen, storage: Storage = localStorage): void =>
  storage.setItem(storageKey(origin), JSON.stringify(value));

/** The keys as they are believed. @throws NoteFaulty when one of them is none */
export const verifiersOf = (keys: readonly string[]): Promise<Verifier[]> => Promise.all(keys.map(parseVerifierKey));

/** Whether the note is signed, and says what the answer says beside it. */
export async function checkNote(
  { note, origin, size, root }: audit.Checkpoint,
  verifiers: readonly Verifier[],
): Promise<{ checkpoint: Checkpoint | null; check: Check }> {
  const what = 'Signature';
  try {
    const checkpoint = await openCheckpoint(note, verifiers);
    if (checkpoint.origin !== origin || checkpoint.size !== size || toBase64(checkpoint.root) !== root)
      return { checkpoint: null, check: { what, ok: false, says: 'The signed note says something else than the answer beside it.' } };
    return { checkpoint, check: { what, ok: true, says: 'The note is signed by a key of this log.' } };
  } catch (error) {
    if (!(error instanceof NoteFaulty)) throw error;
    return { checkpoint: null, check: { what, ok: false, says: `${error.message}.` } };
  }
}

/** Whether the log that was seen then is the beginning of the one that is signed now. */
export function checkGrowth(before: Pick<Seen, 'size' | 'root'>, now: Checkpoint, proof: readonly string[]): Check {
  const what = 'Unchanged since';
  const hashes = proof.map(fromBase64);
  const firstRoot = fromBase64(before.root);
  if (before.size > now.size)
    return {
      what,
      ok: false,
      says: `It had ${plural(before.size, 'event')} when this browser saw it last, and has ${count(now.size)} now: events were removed.`,
    };
  if (before.size === 0) return { what, ok: true, says: 'It was empty when this browser saw it last.' };
  const holds =
    firstRoot !== null &&
    hashes.every((hash) => hash !== null) &&
    verifyConsistency(sha256, { first: before.size, second: now.size, firstRoot, secondRoot: now.root, proof: hashes });
  return holds
    ? { what, ok: true, says: `The first ${plural(before.size, 'event')} are those that this browser saw last.` }
    : {
        what,
        ok: false,
        says: `The first ${plural(before.size, 'event')} are not those that this browser saw last: the log was rewritten.`,
      };
}

export interface EventProof {
  checkpoint: Checkpoint | null;
  checks: Check[];
  /** the event's JSON, as it was hashed; null when its contents are no longer kept */
  event: string | null;
}

/** Whether that event, to the byte, stands at that number of the log that is signed. */
export async function checkEvent(inclusion: audit.Inclusion, verifiers: readonly Verifier[]): Promise<EventProof> {
  const { checkpoint, check } = await checkNote(inclusion.checkpoint, verifiers);
  const leaf = fromBase64(inclusion.leafHash);
  const contents = checkContents(inclusion, leaf);
  const proof = inclusion.proof.map(fromBase64);
  const stands =
    checkpoint !== null &&
    leaf !== null &&
    proof.every((hash) => hash !== null) &&
    verifyInclusion(sha256, { index: inclusion.seq - 1, size: checkpoint.size, leaf, root: checkpoint.root, proof });
  const place: Check = stands
    ? {
        what: 'Place',
        ok: true,
        says: `It is number ${count(inclusion.seq)} of the ${plural(checkpoint.size, 'event')} that the checkpoint covers.`,
      }
    : { what: 'Place', ok: false, says: `It is not number ${count(inclusion.seq)} of the log that is signed.` };
  return { checkpoint, event: inclusion.event, checks: [contents, place, check] };
}

function checkContents({ salt, event, seq, erased }: audit.Inclusion, leaf: Uint8Array | null): Check {
  const what = 'Contents';
  if (erased !== null)
    return {
      what,
      ok: true,
      says: `They were erased on ${dateTime(erased)}, with the data of a person. What is left is the hash, which still stands in the log.`,
    };
  if (event === null || salt === null)
    return { what, ok: true, says: 'Its contents are no longer kept. What is left is its hash, which still stands in the log.' };
  const bytes = new TextEncoder().encode(event);
  if (leaf === null || !sameHash(leafHash(sha256, sha256(fromHex(salt), bytes)), leaf))
    return { what, ok: false, says: 'The event was altered: its hash is not the one that was recorded.' };
  if ((JSON.parse(event) as { seq?: unknown }).seq !== seq)
    return { what, ok: false, says: 'It is another event than the one that was asked for.' };
  return { what, ok: true, says: 'Its hash is the one that was recorded: not a byte of it was changed.' };
}

const fromHex = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
