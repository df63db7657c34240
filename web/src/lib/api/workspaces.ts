import { appOpened } from '@gatehouse/core/api/apps.ts';
import { attachment, workspace, workspaceList, workspaceLogs, type workspaceCreate } from '@gatehouse/core/api/workspaces.ts';
import type { z } from 'zod';
import { read } from './answer.ts';
import type { ProofKey } from '../ide/connection/ports.ts';
import { abortable, api, at, type Call } from './client.ts';
import { proofOf } from './proof.ts';

const one = api.workspaces[':id'];

/** @param query.all everybody's workspaces, for those who may see them @param query.trash those in the trash instead */
export const list = (
  { all, trash = false, ...query }: { all: boolean; trash?: boolean; cursor?: string } = { all: false },
  call: Call = {},
) =>
  read(
    api.workspaces.$get({ query: { limit: 100, all: `${all}`, ...(trash ? { trash: 'true' as const } : {}), ...query } }, abortable(call)),
    workspaceList,
  );
export const create = (json: z.input<typeof workspaceCreate>) => read(api.workspaces.$post({ json }), workspace);
export const get = (id: string, call: Call = {}) => read(one.$get(at(id), abortable(call)), workspace);
/** Into the trash. */
export const remove = (id: string) => read(one.$delete(at(id)), workspace);
export const start = (id: string) => read(one.start.$post(at(id)), workspace);
export const restart = (id: string) => read(one.restart.$post(at(id)), workspace);
export const transfer = (id: string, json: { userId: string; name: string }) => read(one.transfer.$post({ ...at(id), json }), workspace);
export const rename = (id: string, name: string) => read(one.$patch({ ...at(id), json: { name } }), workspace);
/** @param name left out: the one that it had */
export const restore = (id: string, name?: string) =>
  read(one.restore.$post({ ...at(id), json: name === undefined ? {} : { name } }), workspace);
/** For good. */
export const purge = (id: string) => read(one.purge.$post(at(id)), workspace);
export const stop = (id: string) => read(one.stop.$post(at(id)), workspace);
export const logs = (id: string, call: Call = {}) => read(one.logs.$get({ ...at(id), query: {} }, abortable(call)), workspaceLogs);
/** A short-lived ticket, and a grant made out to that key, for the workspace's connection. */
export const attach = async (id: string, key: ProofKey) => {
  const proof = await proofOf('POST', `/workspaces/${encodeURIComponent(id)}/attach`, key);
  return read(one.attach.$post({ ...at(id), json: { key: key.publicKey } }, proof), attachment);
};

/** A one-time address of a web app or port, for this browser alone. */
export const openApp = async (id: string, label: string) => {
  const proof = await proofOf('POST', `/workspaces/${encodeURIComponent(id)}/apps/${encodeURIComponent(label)}/open`);
  const param = { id: encodeURIComponent(id), app: encodeURIComponent(label) };
  return read(one.apps[':app'].open.$post({ param }, proof), appOpened);
};

/** The address of an operation that becomes a WebSocket. */
function socketUrl(path: string): URL {
  const url = new URL(path, location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url;
}

/** Where a workspace's connection is opened, with a ticket. */
export const connectUrl = (id: string): URL => socketUrl(one.connect.$path(at(id)));

/** Opens the live log and state of a workspace. @param from offset in bytes from which the log is wanted */
export const watch = (id: string, from: number): WebSocket =>
  new WebSocket(socketUrl(one.logs.$path({ ...at(id), query: { from } })), 'gatehouse.v1');
