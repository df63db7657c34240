import { AppError } from '@gatehouse/core/errors.ts';
import { base64url, fromBase64url } from './encoding.ts';
import { statement, type TenantDb } from './tenant-db.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Where a secret lies. It is bound into the ciphertext, so a value moved to another row does not open. */
export interface SecretAddress {
  table: string;
  column: string;
  row: string;
}

/**
 * Secrets at rest by envelope encryption: the deployment's key-encryption key (KEK) wraps one random
 * data key per tenant, which seals values with AES-256-GCM.
 */
export class Secrets {
  readonly #kek: string;
  readonly #version: string;
  readonly #random: (bytes: number) => Uint8Array;

  /** @param kek 32 bytes in base64url */
  constructor(kek: string, version: string, random: (bytes: number) => Uint8Array) {
    this.#kek = kek;
    this.#version = version;
    this.#random = random;
  }

  /** The sealed value, to be written to exactly that address. */
  async seal(db: TenantDb, address: SecretAddress, value: string): Promise<string> {
    const key = await this.#dataKey(db);
    return sealWith(key, aad(db.tenantId, address), encoder.encode(value), this.#random);
  }

  /** @throws AppError `internal` when the value was moved or altered */
  async open(db: TenantDb, address: SecretAddress, sealed: string): Promise<string> {
    const key = await this.#dataKey(db);
    return decoder.decode(await openWith(key, aad(db.tenantId, address), sealed));
  }

  /** Several at once, in their order. @throws AppError `internal` when one was moved or altered */
  async openAll(db: TenantDb, sealed: ReadonlyArray<{ address: SecretAddress; sealed: string }>): Promise<string[]> {
    if (sealed.length === 0) return [];
    const key = await this.#dataKey(db);
    return Promise.all(sealed.map(async (each) => decoder.decode(await openWith(key, aad(db.tenantId, each.address), each.sealed))));
  }

  async #dataKey(db: TenantDb): Promise<CryptoKey> {
    const kek = await importKey(fromBase64url(this.#kek));
    const wrapAad = `tenant-key|${db.tenantId}|${this.#version}`;
    const fresh = await sealWith(kek, wrapAad, this.#random(32), this.#random);
    // Two first uses at once agree on whichever key was written first.
    const [, read] = await db.batch([
      statement(
        'INSERT INTO tenant_keys (tenant_id, kek_version, wrapped) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
        db.tenantId,
        this.#version,
        fresh,
      ),
      statement('SELECT kek_version, wrapped FROM tenant_keys WHERE tenant_id = ?', db.tenantId),
    ]);
    const wrapped = read?.rows[0]?.['wrapped'];
    if (typeof wrapped !== 'string') throw new AppError('internal', 'The tenant has no data key');
    return importKey(await openWith(kek, wrapAad, wrapped));
  }
}

const aad = (tenantId: string, { table, column, row }: SecretAddress) => `${tenantId}|${table}|${column}|${row}`;

const importKey = (raw: Uint8Array): Promise<CryptoKey> => crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt']);

async function sealWith(key: CryptoKey, additional: string, value: Uint8Array, random: (bytes: number) => Uint8Array): Promise<string> {
  const iv = random(12);
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: encoder.encode(additional) }, key, value);
  return `${base64url(iv)}.${base64url(new Uint8Array(sealed))}`;
}

async function openWith(key: CryptoKey, additional: string, sealed: string): Promise<Uint8Array> {
  const [iv, text] = sealed.split('.');
  if (iv === undefined || text === undefined) throw new AppError('internal', 'Not a sealed value');
  try {
    const opened = await crypto.subtle.decrypt(
      { name: 'AES-GCM', iv: fromBase64url(iv), additionalData: encoder.encode(additional) },
      key,
      fromBase64url(text),
    );
    return new Uint8Array(opened);
  } catch (cause) {
    throw new AppError('internal', 'A secret does not open at its address', { cause });
  }
}
