import { workspaceUpdateOffer, type workspaceUpdate } from '@gatehouse/core/api/workspace-updates.ts';
import { workspace } from '@gatehouse/core/api/workspaces.ts';
import type { z } from 'zod';
import { read } from './answer.ts';
import { abortable, api, at, type Call } from './client.ts';

const one = api.workspaces[':id'].update;

/** @param version another than the newest */
export const offer = (id: string, version: string | undefined, call: Call = {}) =>
  read(one.$get({ ...at(id), query: version === undefined ? {} : { version } }, abortable(call)), workspaceUpdateOffer);
export const update = (id: string, json: z.input<typeof workspaceUpdate> = {}) => read(one.$post({ ...at(id), json }), workspace);
