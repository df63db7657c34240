import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { AuditEvent } from '@gatehouse/core/audit/event.ts';
import { archivedEvent } from '@gatehouse/core/audit/proof-lines.ts';
import { hex } from './hash.ts';

/**
 * What events have in common, so that a packed one holds little more than what is its own. It is part of
 * the format: what was packed with it is unpacked with it, so a better one gets a format number of its own.
 */
const DICTIONARY = new TextEncoder().encode(
  '"details":{"token":"tok_","tokenName":""},"secret":true},{"path":"","old":"","new":"","secret":false}],"workspaceId":"wsp_01k","grantId":"acr_01k' +
    '"reason":"This needs the permission "Windows","device":"mobile"Safari","Firefox","Linux","Edge","Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15' +
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36' +
    '"type":"service-account","id":null,"type":"runner","id":"run_01k","via":"runner-token""type":"system","id":null,"name":"Gatehouse","email":null,"via":null},"type":"anonymous"' +
    '"action":"workspace.running","resource":{"type":"workspace","id":"wsp_01k"action":"connection.open","resource":{"type":"connection","id":"con_01k' +
    '"action":"template.read","resource":{"type":"template","id":"tpl_01k"action":"access_request.create","resource":{"type":"access-request","id":"acr_01k' +
    '"action":"role.assign","resource":{"type":"role","id":"rol_01k"action":"group.members.update","resource":{"type":"group","id":"grp_01k' +
    '"action":"audit.read","resource":{"type":"audit","id":null,"name":"Audit log"},"action":"token.use","resource":{"type":"token","id":"tok_01k' +
    '"action":"user.sign_in","resource":{"type":"user","id":"usr_01k' +
    '"outcome":"failure","status":401,"reason":""outcome":"denied","status":403,"reason":"","outcome":"success","status":204,"outcome":"success","status":201,"outcome":"success","status":null,"reason":null,"origin":null,"requestId":null,"sessionId":null,' +
    '{"id":"evt_01k","seq":1,"time":"2026-01-01T00:00:00.000Z","recordedAt":"2026-01-01T00:00:00.000Z","actor":{"type":"user","id":"usr_01k","name":"","email":"","via":"token"},"action":"","resource":{"type":"","id":"","name":""},' +
    '"outcome":"success","status":200,"reason":null,"origin":{"ip":"","userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36","browser":"Chrome 140","os":"macOS","device":"desktop","country":null,"city":null,"asn":null},' +
    '"requestId":"req_01k","sessionId":"ses_01k","workspaceId":null,"grantId":null,"diff":[],"details":{}}',
);

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Columns that hold an event's JSON: plain in ledgers of old, packed since. */
export interface Body extends Record<string, SqlStorageValue> {
  body: string;
  packed: ArrayBuffer | null;
}
export const BODY = 'body, packed';
/** Whether nothing is left of the event but its number. */
export const isErased = ({ body, packed }: Body): boolean => packed === null && body === '';
/** The same as a condition: rows that still say something. */
export const KEPT = "(packed IS NOT NULL OR body <> '')";

/** Synchronous: it happens in the transaction that appends. @param json bytes that were hashed */
export const pack = (json: Uint8Array): Uint8Array => deflateRawSync(json, { dictionary: DICTIONARY, level: 6 });
export const packText = (json: string): Uint8Array => pack(encoder.encode(json));

/** The JSON of an event, as it was hashed. */
export const bodyOf = ({ body, packed }: Body): string =>
  packed === null ? body : decoder.decode(inflateRawSync(new Uint8Array(packed), { dictionary: DICTIONARY }));

/** The event of a JSON that was checked when it was appended, perhaps by a version with other actions. */
export const eventIn = (json: string): AuditEvent => JSON.parse(json) as AuditEvent;

/** An event as the archive keeps it. */
export const lineOf = (salt: ArrayBuffer, body: string): string => archivedEvent(hex(new Uint8Array(salt)), body);
