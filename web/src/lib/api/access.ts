import {
  accessRequest,
  explanation,
  notices as noticesShape,
  preview as previewShape,
  requestList,
  reviewList,
  subjectList,
  workspaceAccess,
  type PreviewBody,
  type requestCreate,
  type requestDecision,
  type requestQuery,
  type reviewQuery,
  type ReviewFilter,
  type subjectQuery,
} from '@gatehouse/core/api/access.ts';
import type { z } from 'zod';
import { read } from './answer.ts';
import { abortable, api, at, fetchAnswer, type Call } from './client.ts';

const requestsApi = api['access-requests'];
const one = requestsApi[':id'];

/** People and groups whose names contain the text, or people by their address. */
export const subjects = (query: z.input<typeof subjectQuery>, call: Call = {}) =>
  read(api.subjects.$get({ query }, abortable(call)), subjectList);

/** @param userId left out: oneself */
export const explain = (templateId: string, userId: string | undefined, call: Call = {}) =>
  read(
    api.templates[':id'].access.$get({ ...at(templateId), query: userId === undefined ? {} : { userId } }, abortable(call)),
    explanation,
  );
export const explainWorkspace = (id: string, call: Call = {}) =>
  read(api.workspaces[':id'].access.$get(at(id), abortable(call)), workspaceAccess);

export const review = (query: z.input<typeof reviewQuery>, call: Call = {}) =>
  read(api.access.review.$get({ query }, abortable(call)), reviewList);

/** The whole review as CSV; `progress` hears how many lines have come. @throws when it breaks off: half of it is nothing */
export async function exportReview(query: ReviewFilter, progress: (lines: number) => void, call: Call = {}): Promise<Blob> {
  const asked = new URLSearchParams(Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  // The typed client knows answers of JSON only.
  const response = await fetchAnswer(`/api/v1/access/review.csv?${asked}`, call);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let lines = -1;
  for (let reader = response.body?.getReader(); reader !== undefined;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(new Uint8Array(value));
    for (const byte of value) if (byte === 10) lines += 1;
    progress(Math.max(0, lines));
  }
  return new Blob(parts, { type: 'text/csv' });
}

export const preview = (json: PreviewBody, call: Call = {}) => read(api.access.preview.$post({ json }, abortable(call)), previewShape);

export const requests = (query: z.input<typeof requestQuery>, call: Call = {}) =>
  read(requestsApi.$get({ query }, abortable(call)), requestList);
export const ask = (json: z.input<typeof requestCreate>) => read(requestsApi.$post({ json }), accessRequest);
export const decide = (id: string, json: z.input<typeof requestDecision>) => read(one.decision.$post({ ...at(id), json }), accessRequest);
export const withdraw = (id: string) => read(one.withdraw.$post(at(id)), accessRequest);

export const notices = (call: Call = {}) => read(api.notices.$get({}, abortable(call)), noticesShape);
export async function seen(): Promise<void> {
  await api.notices.seen.$post({});
}
