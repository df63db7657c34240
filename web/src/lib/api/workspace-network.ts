import { workspaceNetwork } from '@gatehouse/core/api/workspace-network.ts';
import { read } from './answer.ts';
import { abortable, api, at, type Call } from './client.ts';

export const network = (id: string, call: Call = {}) => read(api.workspaces[':id'].network.$get(at(id), abortable(call)), workspaceNetwork);
