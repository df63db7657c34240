import { TypeID } from 'typeid-js';
import { v7 } from 'uuid';
import { z } from 'zod';

/** Prefix of each kind of id (TypeID 0.3: `prefix_` and a UUIDv7 in base 32, so ids sort by time). */
export const ID_PREFIXES = {
  tenant: 'tnt',
  user: 'usr',
  group: 'grp',
  role: 'rol',
  roleAssignment: 'ras',
  template: 'tpl',
  templateVersion: 'tpv',
  workspace: 'wsp',
  runner: 'run',
  enrollment: 'enr',
  invitation: 'inv',
  session: 'ses',
  connection: 'con',
  token: 'tok',
  event: 'evt',
  outbox: 'obx',
  destination: 'snk',
  replay: 'rpl',
  finding: 'fnd',
  recording: 'rec',
  recordingKey: 'rky',
  snapshot: 'snp',
  snapshotStore: 'sst',
  accessRequest: 'acr',
  revocation: 'rvk',
  serviceAccount: 'sva',
  passkey: 'pky',
  gitCredential: 'gcr',
  identityProvider: 'idp',
  scimToken: 'sct',
  provisioningCall: 'pvc',
  groupMapping: 'gmp',
  request: 'req',
} as const;

export type IdKind = keyof typeof ID_PREFIXES;

/** @param time milliseconds since the epoch; @param random 16 bytes from a secure source */
export function newId(kind: IdKind, time: number, random: Uint8Array): string {
  return TypeID.fromUUID(ID_PREFIXES[kind], v7({ msecs: time, random })).toString();
}

/** Base 32 of TypeID: 26 letters, the first at most 7. */
export const idSchema = (kind: IdKind) =>
  z
    .string()
    .regex(new RegExp(`^${ID_PREFIXES[kind]}_[0-7][0-9a-hjkmnp-tv-z]{25}$`), `must be an id that starts with ${ID_PREFIXES[kind]}_`);
