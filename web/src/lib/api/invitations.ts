import {
  invitationCreated,
  invitationList,
  invitationShown,
  type invitationAccept,
  type invitationCreate,
} from '@gatehouse/core/api/directory.ts';
import { me } from '@gatehouse/core/api/identity.ts';
import type { z } from 'zod';
import { read } from './answer.ts';
import { abortable, api, at, type Call } from './client.ts';
import { proofOf } from './proof.ts';

export type InvitationCreated = z.infer<typeof invitationCreated>;
export type InvitationShown = z.infer<typeof invitationShown>;

export const list = (query: { cursor?: string } = {}, call: Call = {}) =>
  read(api.invitations.$get({ query: { limit: 50, ...query } }, abortable(call)), invitationList);
export const create = (json: z.input<typeof invitationCreate>) => read(api.invitations.$post({ json }), invitationCreated);
/** What an invitation offers, before it is accepted. The secret travels in the body, never in an address. */
export const preview = (token: string) => read(api.invitations.preview.$post({ json: { token } }), invitationShown);
export const accept = async (json: z.input<typeof invitationAccept>) =>
  read(api.invitations.accept.$post({ json }, await proofOf('POST', '/invitations/accept')), me);

export async function revoke(id: string): Promise<void> {
  await api.invitations[':id'].$delete(at(id));
}
