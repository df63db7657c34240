import { createHash } from 'node:crypto';
import { TAG_BYTES } from '@gatehouse/core/protocol/aead.ts';
import { concat } from '@gatehouse/core/protocol/bytes.ts';
import { agree, generateKeyPair } from '@gatehouse/core/protocol/noise-state.ts';
import {
  encodeEvent,
  recordAddress,
  recordHead,
  recordNonce,
  SLICE_KEY_INFO,
  sliceHead,
  type RecordingKey,
  type TapeEvent,
} from '@gatehouse/core/protocol/recording.ts';
import { webAead } from '@gatehouse/core/protocol/web-aead.ts';
import { statement } from '../../worker/platform/tenant-db.ts';
import { ensureRecordingKey } from '../../worker/workspaces/recording-keys.ts';
import { services, type Tenant } from './tenants.ts';
import { insertWorkspace } from './workspaces.ts';

/** A finished recording without slices, straight into the store. @returns its id */
export async function insertRecording(tenant: Tenant): Promise<string> {
  const { newId } = services();
  const [id, workspaceId] = [newId('recording'), await insertWorkspace(tenant)];
  const key = await ensureRecordingKey({ ...services(), db: tenant.db });
  const now = new Date().toISOString();
  await tenant.db.batch([
    statement(
      `INSERT INTO recordings (tenant_id, id, title, workspace_id, workspace_name, template_id, template_name, person_id, person_name,
         runner_id, terminal_id, key_id, started_at, ended_at)
       SELECT ?1, ?2, 'Terminal 1', w.id, w.name, w.template_id, 'template', w.owner_id, 'Olga Owner', w.runner_id, 'one', ?3, ?4, ?4
       FROM workspaces w WHERE w.tenant_id = ?1 AND w.id = ?5`,
      ...[tenant.id, id, key.id, now, workspaceId],
    ),
  ]);
  return id;
}

/** A slice as a runner seals it. */
export async function sealSlice(
  key: RecordingKey,
  address: { recordingId: string; slice: number },
  events: TapeEvent[],
  previous: Uint8Array | null,
) {
  const recipient = new Uint8Array(Buffer.from(key.publicKey, 'base64url'));
  const ephemeral = await generateKeyPair();
  const secret = await crypto.subtle.importKey('raw', await agree(ephemeral.privateKey, recipient), 'HKDF', false, ['deriveBits']);
  const salt = concat(ephemeral.publicKey, recipient);
  const derived = await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt, info: SLICE_KEY_INFO }, secret, 256);
  const aead = await webAead(new Uint8Array(derived));
  const parts: Uint8Array[] = [sliceHead(ephemeral.publicKey, previous)];
  for (const [index, event] of events.entries()) {
    const plain = encodeEvent(event);
    const sealed = new Uint8Array(plain.byteLength + TAG_BYTES);
    await aead.seal(recordNonce(index), recordAddress(address, index, 0), plain, sealed);
    parts.push(recordHead(sealed.byteLength, 0), sealed);
  }
  const bytes = Buffer.from(concat(...parts));
  return { bytes: bytes.toString('base64url'), hash: createHash('sha256').update(bytes).digest('hex') };
}
