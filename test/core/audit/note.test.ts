import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { checkpointText, logOrigin, openCheckpoint, parseCheckpoint, signCheckpoint } from '../../../core/audit/checkpoint.ts';
import {
  NoteFaulty,
  openNote,
  parseNote,
  parseVerifierKey,
  signerOf,
  signNote,
  verifierKey,
  type Signer,
} from '../../../core/audit/note.ts';
import { LOG, mintSigner, sha256 } from '../../support/audit-export.ts';
import vectors from '../../vectors/signed-note.json' with { type: 'json' };

const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');

/** The signer of a published private key: type, then seed. */
async function published({ vkey, skey }: { vkey?: string; skey?: string }): Promise<Signer> {
  const { name, publicKey } = await parseVerifierKey(vkey ?? expect.fail());
  const seed = Buffer.from(skey?.split('+').slice(4).join('+') ?? expect.fail(), 'base64').subarray(1);
  return signerOf(name, { kty: 'OKP', crv: 'Ed25519', x: base64url(publicKey), d: base64url(seed) });
}

describe('the published notes', () => {
  test.each(vectors.keys.flatMap(({ vkey }) => vkey ?? []))('verifier key %s is read and written', async (vkey) => {
    expect(verifierKey(await parseVerifierKey(vkey))).toBe(vkey);
  });

  test.each(vectors.badVkeys.map(({ why, vkey }) => [why, vkey]))('refused: %s', async (_why, vkey) => {
    await expect(parseVerifierKey(vkey)).rejects.toThrow(NoteFaulty);
  });

  test.each(vectors.notes)('note %#', async ({ note, vkeys, want, error }) => {
    const opening = openNote(note, await Promise.all(vkeys.map(parseVerifierKey)));
    if (error !== undefined) await expect(opening).rejects.toThrow(NoteFaulty);
    else expect((await opening).signedBy.map(({ name }) => name)).toEqual(want);
  });

  test('the same text signed by the published key is the published note, to the byte', async () => {
    const [key] = vectors.keys;
    const [note] = vectors.notes;
    const { text } = parseNote(note?.note ?? '');
    expect(await signNote(text, [await published(key ?? {})])).toBe(note?.note);
  });

  test('a checkpoint as printed in the specification is read', () => {
    const { text, signatures } = parseNote(vectors.syntaxOnly[0]?.note ?? '');
    expect(parseCheckpoint(text)).toMatchObject({ origin: 'example.com/behind-the-sofa', size: 20_852_163 });
    expect(checkpointText(parseCheckpoint(text))).toBe(text);
    expect(signatures.map(({ name }) => name)).toEqual(['example.com/behind-the-sofa']);
  });
});

describe('notes', () => {
  test('two keys sign, each suffices; a third one does not', async () => {
    const [one, two, other] = await Promise.all([mintSigner('a'), mintSigner('b'), mintSigner('b')]);
    const note = await signNote('text\n', [one, two]);
    expect((await openNote(note, [two])).signedBy).toEqual([two]);
    expect((await openNote(note, [one, two])).signedBy).toEqual([one, two]);
    await expect(openNote(note, [other])).rejects.toThrow('None of the keys');
  });

  test('one altered signature of a believed key, and the note is refused', async () => {
    const [one, two] = await Promise.all([mintSigner('a'), mintSigner('b')]);
    const good = await signNote('text\n', [one]);
    const bad = (await signNote('other\n', [two])).split('\n').at(-2);
    await expect(openNote(`${good}${bad}\n`, [one, two])).rejects.toThrow('not over this text');
  });

  test.each(['no line end', 'a\u0007bell\n', 'tab\t\n', 'half a pair \ud800\n'])('%j can’t be signed', async (text) => {
    await expect(signNote(text, [await mintSigner()])).rejects.toThrow(NoteFaulty);
  });

  test.each(['', 'a b', 'a+b', 'a\u2003b', 'a\nb'])('%j names no key', async (name) => {
    await expect(mintSigner(name)).rejects.toThrow(NoteFaulty);
  });

  test('any text with an empty line inside comes back as it was', async () => {
    const signer = await mintSigner();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.stringMatching(/^[ -~é—☃]*$/u), { minLength: 1 }), async (lines) => {
        const text = `${lines.join('\n')}\n`;
        expect((await openNote(await signNote(text, [signer]), [signer])).text).toBe(text);
      }),
      { numRuns: 50 },
    );
  });

  test('any altered character is noticed', async () => {
    const signer = await mintSigner();
    const note = await signNote('text\nof two lines\n', [signer]);
    await fc.assert(
      fc.asyncProperty(fc.nat(note.length - 1), fc.string({ minLength: 1, maxLength: 1 }), async (at, character) => {
        fc.pre(note[at] !== character);
        await expect(openNote(note.slice(0, at) + character + note.slice(at + 1), [signer])).rejects.toThrow(NoteFaulty);
      }),
      { numRuns: 200 },
    );
  });
});

describe('checkpoints', () => {
  const root = sha256();

  test('are believed for the log whose name the key has, and for no other', async () => {
    const signer = await mintSigner();
    const other = await signCheckpoint({ origin: logOrigin('gatehouse.test', 'tnt_other'), size: 7, root }, [signer]);
    expect(await openCheckpoint(await signCheckpoint({ origin: LOG, size: 7, root }, [signer]), [signer])).toEqual({
      origin: LOG,
      size: 7,
      root,
    });
    await expect(openCheckpoint(other, [signer])).rejects.toThrow('not that of the log');
  });

  test.each([
    ['log\n07\n', 'a leading zero'],
    ['log\n-1\n', 'a sign'],
    ['\n7\n', 'no origin'],
    ['log\n9007199254740993\n', 'too large a size'],
  ])('%j: %s', (head) => {
    const encoded = Buffer.from(root).toString('base64');
    expect(() => parseCheckpoint(`${head}${encoded}\n`)).toThrow(NoteFaulty);
    expect(parseCheckpoint(`log\n0\n${encoded}\nan extension\n`).size).toBe(0);
    expect(() => parseCheckpoint(`log\n0\n${encoded}\n\n`)).toThrow(NoteFaulty);
    expect(() => parseCheckpoint(`log\n0\n${encoded.slice(4)}\n`)).toThrow(NoteFaulty);
  });
});
