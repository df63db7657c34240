import type { StopReason } from '@gatehouse/core/access/deadline.ts';
import { runnerUsage, workspaceHealth, workspaceHealthList } from '@gatehouse/core/api/workspace-health.ts';
import { read } from './answer.ts';
import { abortable, api, at, quietApi, type Call } from './client.ts';

/** What these use and when they stop; those that don't run are left out. @param ids a hundred at most */
export const list = (ids: readonly string[], call: Call = {}) =>
  read(quietApi['workspace-health'].$get({ query: { ids: ids.join(',') } }, abortable(call)), workspaceHealthList);
export const postpone = (id: string, why: StopReason) =>
  read(api.workspaces[':id'].postpone.$post({ ...at(id), json: { why } }), workspaceHealth);
/** What runs on a runner. */
export const onRunner = (id: string, call: Call = {}) => read(api.runners[':id'].usage.$get(at(id), abortable(call)), runnerUsage);
