import type { z } from 'zod';
import {
  snapshot,
  snapshotList,
  snapshotSettings,
  snapshotStoreTested,
  type snapshotSettingsPut,
  type workspaceMove,
} from '@gatehouse/core/api/snapshots.ts';
import { workspace } from '@gatehouse/core/api/workspaces.ts';
import { read, readVersioned } from './answer.ts';
import { abortable, api, at, type Call } from './client.ts';

const one = api.workspaces[':id'];
const settings = api['snapshot-settings'];

export const list = (workspaceId: string, call: Call = {}) => read(one.snapshots.$get(at(workspaceId), abortable(call)), snapshotList);
export const ask = (workspaceId: string) => read(one.snapshots.$post(at(workspaceId)), snapshot);
export const remove = (workspaceId: string, id: string) =>
  one.snapshots[':snapshot'].$delete({ param: { id: encodeURIComponent(workspaceId), snapshot: encodeURIComponent(id) } });
export const restore = (workspaceId: string, snapshotId: string) =>
  read(one['restore-home'].$post({ ...at(workspaceId), json: { snapshotId } }), workspace);
export const move = (workspaceId: string, json: z.input<typeof workspaceMove>) =>
  read(one.move.$post({ ...at(workspaceId), json }), workspace);

export const readSettings = (call: Call = {}) => readVersioned(settings.$get({}, abortable(call)), snapshotSettings);
export const change = (etag: string, json: z.input<typeof snapshotSettingsPut>) =>
  readVersioned(settings.$put({ header: { 'if-match': etag }, json }), snapshotSettings);
export const test = () => read(settings.test.$post(), snapshotStoreTested);
