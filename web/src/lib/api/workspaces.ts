import { attachment, workspace, workspaceList, workspaceLogs, type workspaceCreate } from '@gatehouse/core/api/workspaces.ts';
import type { z } from 'zod';
import { address, request, type Call } from './request.ts';

type Signal = Pick<Call, 'signal'>;

/** @param query.all everybody's workspaces, for those who may see them */
export const list = (query: { all: boolean; cursor?: string } = { all: false }, call: Signal = {}) =>
  request('GET', '/workspaces', workspaceList, { ...call, query: { limit: 100, ...query } });
export const create = (body: z.input<typeof workspaceCreate>) => request('POST', '/workspaces', workspace, { body });
export const get = (id: string, call: Signal = {}) => request('GET', `/workspaces/${id}`, workspace, call);
export const remove = (id: string) => request('DELETE', `/workspaces/${id}`, workspace);
export const start = (id: string) => request('POST', `/workspaces/${id}/start`, workspace);
export const stop = (id: string) => request('POST', `/workspaces/${id}/stop`, workspace);
export const logs = (id: string, call: Signal = {}) => request('GET', `/workspaces/${id}/logs`, workspaceLogs, call);
/** A short-lived ticket and grant for the workspace's connection. */
export const attach = (id: string) => request('POST', `/workspaces/${id}/attach`, attachment);

/** Opens the live log and state of a workspace. @param from offset in bytes from which the log is wanted */
export const watch = (id: string, from: number): WebSocket => {
  const url = new URL(address(`/workspaces/${id}/logs`, { from }), location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return new WebSocket(url, 'gatehouse.v1');
};
