import {
  invitationCreated,
  invitationList,
  invitationShown,
  type invitationAccept,
  type invitationCreate,
} from '@gatehouse/core/api/directory.ts';
import { me } from '@gatehouse/core/api/identity.ts';
import type { z } from 'zod';
import { request, send, type Call } from './request.ts';

export type InvitationCreated = z.infer<typeof invitationCreated>;
export type InvitationShown = z.infer<typeof invitationShown>;

export const list = (call: Pick<Call, 'signal'> = {}) => request('GET', '/invitations', invitationList, { ...call, query: { limit: 100 } });
export const create = (body: z.input<typeof invitationCreate>) => request('POST', '/invitations', invitationCreated, { body });
/** What an invitation offers, before it is accepted. The secret travels in the body, never in an address. */
export const preview = (token: string) => request('POST', '/invitations/preview', invitationShown, { body: { token } });
export const accept = (body: z.input<typeof invitationAccept>) => request('POST', '/invitations/accept', me, { body });

export async function revoke(id: string): Promise<void> {
  await send('DELETE', `/invitations/${id}`);
}
