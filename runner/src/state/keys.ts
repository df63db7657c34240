import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { importResponderKey } from '@gatehouse/core/protocol/noise.ts';
import { Failure } from '../failure.ts';
import { writeAtomically } from './atomic-file.ts';
import type { StateFolder } from './folder.ts';

/** The agreement pair as handshakes take it, made once. */
export type AgreementKey = () => ReturnType<typeof importResponderKey>;

/** The runner's own keys. The private halves never leave the state folder. */
export interface RunnerKeys {
  /** raw public keys, 32 bytes in base64url */
  identityKey: string;
  agreementKey: string;
  /** Ed25519 signature in base64url */
  sign(text: string): string;
  /** the agreement pair as handshakes take it */
  agreement: AgreementKey;
}

const rawPublicKey = (key: KeyObject): string => {
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  if (x === undefined) throw new Failure('A key of the runner is of the wrong kind');
  return x;
};

const fromPrivate = (identity: KeyObject, agreement: KeyObject): RunnerKeys => ({
  identityKey: rawPublicKey(identity),
  agreementKey: rawPublicKey(agreement),
  sign: (text) => sign(null, Buffer.from(text), identity).toString('base64url'),
  agreement: once(() => importResponderKey(agreement.export({ format: 'jwk' }))),
});

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/** Both private halves as PEM: how they are stored. */
export interface KeyPems {
  identity: string;
  agreement: string;
}

/** Makes both pairs without storing them, so that a refused enrolment leaves what was there. */
export function makeKeys(): { keys: RunnerKeys; pems: KeyPems; save(folder: StateFolder): void } {
  const identity = generateKeyPairSync('ed25519').privateKey;
  const agreement = generateKeyPairSync('x25519').privateKey;
  const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();
  const pems = { identity: pem(identity), agreement: pem(agreement) };
  return { keys: fromPrivate(identity, agreement), pems, save: (folder) => saveKeys(folder, pems) };
}

export function saveKeys(folder: StateFolder, { identity, agreement }: KeyPems): void {
  writeAtomically(folder.identityKey, identity);
  writeAtomically(folder.agreementKey, agreement);
}

function readKey(path: string, kind: 'ed25519' | 'x25519'): KeyObject {
  if (!existsSync(path)) throw new Failure(`The key ${path} is not there. Enrol again with --force.`);
  let key: KeyObject;
  try {
    key = createPrivateKey(readFileSync(path));
  } catch {
    throw new Failure(`${path} is not a private key. Enrol again with --force.`);
  }
  if (key.asymmetricKeyType !== kind) throw new Failure(`${path} must be a key of kind ${kind}`);
  return key;
}

export const loadKeys = (folder: StateFolder): RunnerKeys =>
  fromPrivate(readKey(folder.identityKey, 'ed25519'), readKey(folder.agreementKey, 'x25519'));

/** `SHA256:` and 64 hex digits over both raw public keys, identity first: what an administrator compares. */
export function fingerprintOf(keys: Pick<RunnerKeys, 'identityKey' | 'agreementKey'>): string {
  const hash = createHash('sha256');
  hash.update(Buffer.from(keys.identityKey, 'base64url')).update(Buffer.from(keys.agreementKey, 'base64url'));
  return `SHA256:${hash.digest('hex')}`;
}

/** The same in groups of four, eight to a line: easier on the eye. */
export function readableFingerprint(fingerprint: string): string {
  const groups = fingerprint.replace('SHA256:', '').match(/.{4}/g) ?? [];
  return `SHA256  ${groups.slice(0, 8).join(' ')}\n        ${groups.slice(8).join(' ')}`;
}
