import { enrollment, enrollmentCreated, runner, runnerList, type enrollmentCreate, type Runner } from '@gatehouse/core/api/runners.ts';
import type { z } from 'zod';
import { read } from './answer.ts';
import { abortable, api, at, type Call } from './client.ts';

export type EnrollmentCreated = z.infer<typeof enrollmentCreated>;

/** All of them, for the page that counts them: an organisation has at most two pages. */
export async function list(call: Call = {}): Promise<{ items: Runner[] }> {
  const items: Runner[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const query = { limit: 100, ...(cursor === '' ? {} : { cursor }) };
    const page: z.infer<typeof runnerList> = await read(api.runners.$get({ query }, abortable(call)), runnerList);
    items.push(...page.items);
    cursor = page.nextCursor;
  }
  return { items };
}
/** @param fingerprint the one that the administrator compared with the runner's console */
export const confirm = (id: string, fingerprint: string) =>
  read(api.runners[':id'].confirm.$post({ ...at(id), json: { fingerprint } }), runner);

/** @param capacity null: as many as there are */
export const setCapacity = (id: string, capacity: number | null) =>
  read(api.runners[':id'].$patch({ ...at(id), json: { capacity } }), runner);
/** @param until null: what runs goes on as long as it likes */
export const drain = (id: string, until: string | null) => read(api.runners[':id'].drain.$post({ ...at(id), json: { until } }), runner);
export const liftDrain = (id: string) => read(api.runners[':id'].drain.$delete(at(id)), runner);
export const revoke = (id: string) => read(api.runners[':id'].revoke.$post(at(id)), runner);

export async function remove(id: string): Promise<void> {
  await api.runners[':id'].$delete(at(id));
}

export const enrol = (json: z.input<typeof enrollmentCreate>) => read(api['runner-enrollments'].$post({ json }), enrollmentCreated);
export const enrolment = (id: string, call: Call = {}) => read(api['runner-enrollments'][':id'].$get(at(id), abortable(call)), enrollment);
