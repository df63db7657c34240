import { beforeEach, describe, expect, it } from 'vitest';
import { auditEvent as eventSchema } from '@gatehouse/core/audit/event.ts';
import { toBase64 } from '@gatehouse/core/audit/base64.ts';
import { signCheckpoint } from '@gatehouse/core/audit/checkpoint.ts';
import {
  appendLeaf,
  consistencyProof,
  EMPTY_FRONTIER,
  inclusionProof,
  leafHash,
  rangeHash,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from '@gatehouse/core/audit/merkle.ts';
import { signerOf, verifierKey, verifierOf, openNote, parseVerifierKey, type Signer, type SigningKey } from '@gatehouse/core/audit/note.ts';
import proofs from '../../test/vectors/rfc6962-proofs.json' with { type: 'json' };
import tree from '../../test/vectors/rfc6962-tree.json' with { type: 'json' };
import { LogChecking } from '../src/lib/audit/checking.svelte.ts';
import { checkEvent, checkGrowth, seenOf, sha256 } from '../src/lib/audit/integrity.ts';
import { EventProving } from '../src/lib/audit/proving.svelte.ts';
import { answerWith, jsonAnswer } from './api.ts';
import { auditEvent, NOW } from './data.ts';

const fromHex = (text: string) => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const toHex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
const base64 = (text: string | null) => Uint8Array.from(atob(text ?? ''), (character) => character.charCodeAt(0));
const ORIGIN = 'gatehouse.test/audit/tnt_x';

describe('the hash that runs in the browser', () => {
  it('agrees with the published trees', () => {
    const leaves = tree.leaves.map((leaf) => leafHash(sha256, fromHex(leaf)));
    tree.roots.forEach((root, size) => {
      const frontier = leaves.slice(0, size).reduce((grown, leaf) => appendLeaf(sha256, grown, leaf), EMPTY_FRONTIER);
      expect(toHex(rootOf(sha256, frontier))).toBe(root);
    });
  });

  it('accepts and refuses the published proofs', () => {
    for (const probe of proofs.inclusion) {
      const claim = { index: probe.leafIdx, size: probe.treeSize, leaf: base64(probe.leafHash), root: base64(probe.root) };
      expect([probe.desc, verifyInclusion(sha256, { ...claim, proof: (probe.proof ?? []).map(base64) })]).toEqual([
        probe.desc,
        !probe.wantErr,
      ]);
    }
    for (const probe of proofs.consistency) {
      const claim = { first: probe.size1, second: probe.size2, firstRoot: base64(probe.root1), secondRoot: base64(probe.root2) };
      expect([probe.desc, verifyConsistency(sha256, { ...claim, proof: (probe.proof ?? []).map(base64) })]).toEqual([
        probe.desc,
        !probe.wantErr,
      ]);
    }
  });
});

/** A log as the service keeps it, with its proofs and its key. */
async function makeLog(size: number, signer: Signer) {
  const events = Array.from({ length: size }, (_, index) => JSON.stringify(auditEvent(index + 1)));
  const salt = '0f'.repeat(16);
  const leaves = events.map((event) => leafHash(sha256, sha256(fromHex(salt), new TextEncoder().encode(event))));
  const hash = rangeHash(sha256, (index) => leaves[index] ?? expect.fail());
  const checkpoint = async (at: number) => {
    const root = hash(0, at);
    return { origin: ORIGIN, size: at, root: toBase64(root), note: await signCheckpoint({ origin: ORIGIN, size: at, root }, [signer]) };
  };
  return {
    events,
    checkpoint,
    inclusion: async (seq: number) => ({
      ...{ seq, salt, event: events[seq - 1] ?? null, leafHash: toBase64(leaves[seq - 1] ?? expect.fail()), erased: null as string | null },
      proof: inclusionProof(hash, seq - 1, size).map(toBase64),
      checkpoint: await checkpoint(size),
    }),
    consistency: async (first: number) => ({
      first: { size: first, root: toBase64(hash(0, first)) },
      proof: consistencyProof(hash, first, size).map(toBase64),
      checkpoint: await checkpoint(size),
    }),
  };
}
type Log = Awaited<ReturnType<typeof makeLog>>;

async function makeSigner(): Promise<Signer> {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
  return signerOf(ORIGIN, (await crypto.subtle.exportKey('jwk', pair.privateKey)) as SigningKey);
}

/** The service, answering for that log. */
function serve(log: Log, size: number, signer: Signer) {
  const keys = { items: [{ verifierKey: verifierKey(signer), since: '2026-11-01T00:00:00.000Z', firstSize: 0, until: null, signs: true }] };
  const answers: Record<string, (query: URLSearchParams) => Promise<unknown>> = {
    '/api/v1/audit/keys': async () => keys,
    '/api/v1/audit/checkpoint': async () => log.checkpoint(size),
    '/api/v1/audit/proof': async (query) => log.inclusion(Number(query.get('seq'))),
    '/api/v1/audit/consistency': async (query) => log.consistency(Number(query.get('first'))),
  };
  answerWith((): Response => expect.fail('not asked like this'));
  globalThis.fetch = async (url) => {
    const { pathname, searchParams } = new URL(String(url), 'http://localhost');
    return jsonAnswer(await answers[pathname]?.(searchParams));
  };
}

let signer: Signer;
beforeEach(async () => void (signer = await makeSigner()));

describe('proving an event', () => {
  it('holds for every event of a log, contents, place and signature', async () => {
    const log = await makeLog(7, signer);
    for (let seq = 1; seq <= 7; seq++) {
      const { checks } = await checkEvent(await log.inclusion(seq), [signer]);
      expect(checks.map(({ what, ok }) => `${what} ${ok}`)).toEqual(['Contents true', 'Place true', 'Signature true']);
    }
  });

  it('names what does not hold: the contents, the place, another number, the signature', async () => {
    const log = await makeLog(7, signer);
    const honest = await log.inclusion(5);
    const faults = async (change: object, verifiers = [signer] as Parameters<typeof checkEvent>[1]) =>
      (await checkEvent({ ...honest, ...change }, verifiers)).checks.filter(({ ok }) => !ok).map(({ what }) => what);
    expect(await faults({ event: honest.event?.replace('Ines', 'Jnes') })).toEqual(['Contents']);
    expect(await faults({ proof: honest.proof.toReversed() })).toEqual(['Place']);
    expect(await faults({ seq: 4 })).toEqual(['Contents', 'Place']);
    expect(await faults({}, [await makeSigner()])).toEqual(['Place', 'Signature']);
    expect(await faults({ checkpoint: { ...honest.checkpoint, size: 8 } })).toEqual(['Place', 'Signature']);
    expect(await faults({ salt: null, event: null })).toEqual([]);
  });

  it('says whether what the page shows is what was recorded', async () => {
    const log = await makeLog(3, signer);
    serve(log, 3, signer);
    const shown = eventSchema.parse(JSON.parse(log.events[1] ?? '{}'));
    const proving = new EventProving();
    await proving.run(2, shown);
    expect(proving.proof?.checks.map(({ ok }) => ok)).toEqual([true, true, true, true]);
    await proving.run(2, { ...shown, reason: 'made up' });
    expect(proving.proof?.checks.at(-1)).toMatchObject({ what: 'Shown here', ok: false });
  });
});

describe('checking the log', () => {
  const results = (checking: LogChecking) => checking.checks?.map(({ what, ok }) => `${what} ${ok}`);
  const later = () => new Date(NOW).toISOString();

  it('remembers what it saw, and finds it again in a log that grew', async () => {
    const log = await makeLog(9, signer);
    const checking = new LogChecking();
    serve(await makeLog(5, signer), 5, signer);
    // The same first five events: those of the log that goes on.
    serve({ ...log, consistency: log.consistency }, 5, signer);
    await checking.run(later);
    expect(results(checking)).toEqual(['Signature true', 'Keys true', 'Seen before true']);
    expect(seenOf(ORIGIN)).toMatchObject({ size: 5, at: '2026-11-23T10:00:00.000Z' });
    serve(log, 9, signer);
    await checking.run(later);
    expect(results(checking)).toEqual(['Signature true', 'Keys true', 'Unchanged since true']);
    expect(seenOf(ORIGIN)?.size).toBe(9);
  });

  it('notices a log that was rewritten, and one that lost events, and keeps what it saw', async () => {
    const checking = new LogChecking();
    serve(await makeLog(6, signer), 6, signer);
    await checking.run(later);
    serve(await makeLog(9, signer), 9, signer);
    await checking.run(later);
    expect([results(checking)?.at(-1), checking.ok]).toEqual(['Unchanged since false', false]);
    serve(await makeLog(4, signer), 4, signer);
    await checking.run(later);
    expect(checking.checks?.at(-1)?.says).toContain('events were removed');
    expect(seenOf(ORIGIN)?.size).toBe(6);
  });

  it('says when a key is new, and does not accept that one it knew is gone', async () => {
    const log = await makeLog(3, signer);
    serve(log, 3, signer);
    await new LogChecking().run(later);
    const checking = new LogChecking();
    const other = await makeSigner();
    serve(await makeLog(3, other), 3, other);
    await checking.run(later);
    expect(checking.checks?.find(({ what }) => what === 'Keys')).toMatchObject({ ok: false });
  });

  it('holds nothing against a log that was empty', () => {
    expect(checkGrowth({ size: 0, root: '' }, { origin: ORIGIN, size: 4, root: new Uint8Array(32) }, []).ok).toBe(true);
  });

  it('reads keys as they are handed out', async () => {
    const note = await signCheckpoint({ origin: ORIGIN, size: 1, root: new Uint8Array(32) }, [signer]);
    const parsed = await parseVerifierKey(verifierKey(await verifierOf(ORIGIN, signer.publicKey)));
    expect((await openNote(note, [parsed])).signedBy).toHaveLength(1);
  });
});
