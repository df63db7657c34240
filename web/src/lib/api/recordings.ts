import type { z } from 'zod';
import {
  recording,
  recordingList,
  recordingMatches,
  recordingSettings,
  recordingSlice,
  type recordingQuery,
  type recordingSearchQuery,
  type recordingSettingsPut,
} from '@gatehouse/core/api/recordings.ts';
import { read, readVersioned } from './answer.ts';
import { abortable, api, at, type Call } from './client.ts';

const recordings = api.recordings;

export const list = (query: z.input<typeof recordingQuery>, call: Call = {}) =>
  read(recordings.$get({ query }, abortable(call)), recordingList);
export const search = (query: z.input<typeof recordingSearchQuery>, call: Call = {}) =>
  read(recordings.search.$get({ query }, abortable(call)), recordingMatches);
export const get = (id: string, call: Call = {}) => read(recordings[':id'].$get(at(id), abortable(call)), recording);
/** Writes to the audit log that somebody watches or downloads it; before, no slice can be read. */
export const watch = (id: string, purpose: 'watch' | 'export') =>
  read(recordings[':id'].watch.$post({ ...at(id), json: { purpose } }), recording);
export const slice = (id: string, n: number, call: Call = {}) =>
  read(recordings[':id'].slices.$get({ ...at(id), query: { n: String(n) } }, abortable(call)), recordingSlice);
export const remove = (id: string) => recordings[':id'].$delete(at(id));
export const settings = (call: Call = {}) => readVersioned(api['recording-settings'].$get({}, abortable(call)), recordingSettings);
export const change = (etag: string, json: z.input<typeof recordingSettingsPut>) =>
  readVersioned(api['recording-settings'].$put({ header: { 'if-match': etag }, json }), recordingSettings);
