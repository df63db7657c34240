import { fromBase64, toBase64 } from './base64.ts';

/** Signed notes (C2SP signed-note v1) with Ed25519: a text and, below an empty line, who signed it. */

const ED25519 = { name: 'Ed25519' } as const;
const ED25519_TYPE = 1;
const KEY_ID_BYTES = 4;
const KEY_BYTES = 32;
const MAX_NOTE = 1_000_000;
const MAX_SIGNATURES = 100;

const encoder = new TextEncoder();

/** Why a note or a verifier key is none, or is not to be believed. */
export class NoteFaulty extends Error {
  override readonly name = 'NoteFaulty';
}

/** Whose signatures are believed: a key and the name it signs for. */
export interface Verifier {
  name: string;
  /** first four bytes of a hash of name and key, in hex: tells which key signed, and proves nothing */
  keyId: string;
  publicKey: Uint8Array<ArrayBuffer>;
}

export interface Signer extends Verifier {
  privateKey: CryptoKey;
}

/** An Ed25519 private key as JWK. */
export interface SigningKey {
  kty: 'OKP';
  crv: 'Ed25519';
  x: string;
  d: string;
}

/** @throws NoteFaulty for a name that no signature line could hold */
export async function verifierOf(name: string, publicKey: Uint8Array<ArrayBuffer>): Promise<Verifier> {
  if (!isKeyName(name)) throw new NoteFaulty('The name of a key has no space and no plus, and is not empty');
  if (publicKey.length !== KEY_BYTES) throw new NoteFaulty('An Ed25519 key has 32 bytes');
  const named = concat(encoder.encode(`${name}\n`), Uint8Array.of(ED25519_TYPE), publicKey);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', named));
  return { name, keyId: hex(digest.subarray(0, KEY_ID_BYTES)), publicKey };
}

export async function signerOf(name: string, { kty, crv, x, d }: SigningKey): Promise<Signer> {
  const publicKey = fromBase64(`${x.replaceAll('-', '+').replaceAll('_', '/')}=`);
  if (!publicKey) throw new NoteFaulty('An Ed25519 key has 32 bytes');
  const privateKey = await crypto.subtle.importKey('jwk', { kty, crv, x, d }, ED25519, false, ['sign']);
  return { ...(await verifierOf(name, publicKey)), privateKey };
}

/** `name+keyId+base64(type ‖ key)`: what is handed to those who verify. */
export const verifierKey = ({ name, keyId, publicKey }: Verifier): string =>
  `${name}+${keyId}+${toBase64(concat(Uint8Array.of(ED25519_TYPE), publicKey))}`;

/** @throws NoteFaulty when it is no verifier key, of another kind than Ed25519, or its id is not the key's */
export async function parseVerifierKey(text: string): Promise<Verifier> {
  const [, name, keyId, encoded] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim()) ?? [];
  const key = encoded === undefined ? null : fromBase64(encoded);
  if (name === undefined || !key) throw new NoteFaulty('A verifier key is <name>+<8 hex digits>+<base64>');
  if (key[0] !== ED25519_TYPE) throw new NoteFaulty('The verifier key is not of the kind Ed25519');
  const verifier = await verifierOf(name, key.slice(1));
  if (verifier.keyId !== keyId) throw new NoteFaulty('The verifier key was altered: its id is another’s');
  return verifier;
}

/** The note: the text with one signature of each signer. @throws NoteFaulty for a text that can't be one */
export async function signNote(text: string, signers: readonly Signer[]): Promise<string> {
  if (!isNoteText(text)) throw new NoteFaulty('The text of a note ends with a line end and has no control characters');
  const message = encoder.encode(text);
  const lines = signers.map(async ({ name, keyId, privateKey }) => {
    const signature = new Uint8Array(await crypto.subtle.sign(ED25519, privateKey, message));
    return `— ${name} ${toBase64(concat(fromHex(keyId), signature))}\n`;
  });
  return `${text}\n${(await Promise.all(lines)).join('')}`;
}

export interface NoteSignature {
  name: string;
  keyId: string;
  signature: Uint8Array<ArrayBuffer>;
}

/** Splits a note without believing it. @throws NoteFaulty */
export function parseNote(note: string): { text: string; signatures: NoteSignature[] } {
  if (note.length > MAX_NOTE || hasControls(note)) throw new NoteFaulty('The note is too long, or has control characters');
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.endsWith('\n')) throw new NoteFaulty('The note has no signatures');
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) throw new NoteFaulty('The note has too many signatures');
  return { text: note.slice(0, split + 1), signatures: lines.map(parseSignature) };
}

function parseSignature(line: string): NoteSignature {
  const [, name, encoded] = /^— (\S+) (\S+)$/.exec(line) ?? [];
  const bytes = encoded === undefined ? null : fromBase64(encoded);
  if (name === undefined || !isKeyName(name) || !bytes || bytes.length <= KEY_ID_BYTES)
    throw new NoteFaulty('A line of the note is no signature');
  return { name, keyId: hex(bytes.subarray(0, KEY_ID_BYTES)), signature: bytes.slice(KEY_ID_BYTES) };
}

/**
 * The text of a note that one of these verifiers signed, and who did. Signatures of others are passed over.
 * @throws NoteFaulty when none of them signed, or one of them is said to have and has not
 */
export async function openNote(note: string, verifiers: readonly Verifier[]): Promise<{ text: string; signedBy: Verifier[] }> {
  const { text, signatures } = parseNote(note);
  const message = encoder.encode(text);
  const signedBy = new Set<Verifier>();
  for (const { name, keyId, signature } of signatures) {
    const verifier = verifiers.find((each) => each.name === name && each.keyId === keyId);
    if (!verifier || signedBy.has(verifier)) continue;
    const key = await crypto.subtle.importKey('raw', verifier.publicKey, ED25519, false, ['verify']);
    if (!(await crypto.subtle.verify(ED25519, key, signature, message)))
      throw new NoteFaulty(`The signature of ${name} is not over this text`);
    signedBy.add(verifier);
  }
  if (signedBy.size === 0) throw new NoteFaulty('None of the keys that are believed signed this');
  return { text, signedBy: [...signedBy] };
}

const isKeyName = (name: string) => /^[^\s+\p{Cc}]+$/u.test(name);
// eslint-disable-next-line no-control-regex -- that is what is looked for
const hasControls = (text: string) => /[\x00-\x09\x0b-\x1f]/.test(text);
const isNoteText = (text: string) => text.endsWith('\n') && !hasControls(text) && !/[\ud800-\udfff]/u.test(text);

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
const fromHex = (text: string) => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
