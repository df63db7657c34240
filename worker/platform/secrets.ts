import { AppError } from '@gatehouse/core/errors.ts';
import { base64url, fromBase64url } from './encoding.ts';
import type { Settings } from './env.ts';
import { statement, type Statement, type TenantDb } from './tenant-db.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Where a secret lies. It is bound into the ciphertext, so a value moved to another row does not open. */
export interface SecretAddress {
  table: string;
  column: string;
  row: string;
}

/** A key-encryption key: 32 bytes in base64url. */
interface WrappingKey {
  version: string;
  key: string;
}

/** The key that wraps, and the one before it, which still opens what it has wrapped. */
export interface WrappingKeys {
  current: WrappingKey;
  former: WrappingKey | null;
}

export function wrappingKeys(settings: Settings): WrappingKeys {
  const { KEK, KEK_VERSION, KEK_FORMER: key, KEK_FORMER_VERSION: version } = settings;
  const former = key === undefined || version === undefined ? null : { version, key };
  return { current: { version: KEK_VERSION, key: KEK }, former };
}

/**
 * Secrets at rest by envelope encryption: the deployment's key-encryption key (KEK) wraps one random
 * data key per tenant, which seals values with AES-256-GCM.
 */
export class Secrets {
  readonly #keys: WrappingKeys;
  readonly #random: (bytes: number) => Uint8Array;

  constructor(keys: WrappingKeys, random: (bytes: number) => Uint8Array) {
    this.#keys = keys;
    this.#random = random;
  }

  /** of the key that wraps now */
  get version(): string {
    return this.#keys.current.version;
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

  /**
   * Wraps a tenant's data key by the current key; the data key itself, and all that it sealed, stays as it is.
   * @returns the change, which matches nothing where somebody was quicker; null where the current key wraps it already
   * @throws AppError `internal` when it was wrapped by a key that this deployment does not have
   */
  async rewrapped(db: TenantDb): Promise<{ from: string; guard: Statement } | null> {
    const row = await db.first<Wrapped>(WRAPPED, db.tenantId);
    const { current } = this.#keys;
    if (row === undefined || row.kek_version === current.version) return null;
    const wrapped = await this.#wrap(current, db.tenantId, await this.#unwrap(db.tenantId, row));
    const guard = statement(
      'UPDATE tenant_keys SET kek_version = ?3, wrapped = ?4 WHERE tenant_id = ?1 AND wrapped = ?2',
      ...[db.tenantId, row.wrapped, current.version, wrapped],
    );
    return { from: row.kek_version, guard };
  }

  async #dataKey(db: TenantDb): Promise<CryptoKey> {
    const { current } = this.#keys;
    // Two first uses at once agree on whichever key was written first.
    const [, read] = await db.batch([
      statement(
        'INSERT INTO tenant_keys (tenant_id, kek_version, wrapped) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
        ...[db.tenantId, current.version, await this.#wrap(current, db.tenantId, this.#random(32))],
      ),
      statement(WRAPPED, db.tenantId),
    ]);
    const row = read?.rows[0] as Wrapped | undefined;
    if (row === undefined) throw new AppError('internal', 'The tenant has no data key');
    return importKey(await this.#unwrap(db.tenantId, row));
  }

  async #wrap({ key, version }: WrappingKey, tenantId: string, dataKey: Uint8Array): Promise<string> {
    return sealWith(await importKey(fromBase64url(key)), wrapAad(tenantId, version), dataKey, this.#random);
  }

  async #unwrap(tenantId: string, { kek_version: version, wrapped }: Wrapped): Promise<Uint8Array> {
    const { current, former } = this.#keys;
    const key = [current, former].find((each) => each?.version === version);
    if (!key) throw new AppError('internal', `A data key is wrapped by key ${version}, which is not among the settings`);
    return openWith(await importKey(fromBase64url(key.key)), wrapAad(tenantId, version), wrapped);
  }
}

interface Wrapped {
  kek_version: string;
  wrapped: string;
}

const WRAPPED = 'SELECT kek_version, wrapped FROM tenant_keys WHERE tenant_id = ?';
const wrapAad = (tenantId: string, version: string) => `tenant-key|${tenantId}|${version}`;

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
