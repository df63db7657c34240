import { enrollment, enrollmentCreated, runner, runnerList, type enrollmentCreate } from '@gatehouse/core/api/workspaces.ts';
import type { z } from 'zod';
import { read } from './answer.ts';
import { abortable, api, at, type Call } from './client.ts';

export type EnrollmentCreated = z.infer<typeof enrollmentCreated>;

export const list = (call: Call = {}) => read(api.runners.$get({ query: { limit: 100 } }, abortable(call)), runnerList);
/** @param fingerprint the one that the administrator compared with the runner's console */
export const confirm = (id: string, fingerprint: string) =>
  read(api.runners[':id'].confirm.$post({ ...at(id), json: { fingerprint } }), runner);

export async function remove(id: string): Promise<void> {
  await api.runners[':id'].$delete(at(id));
}

export const enrol = (json: z.input<typeof enrollmentCreate>) => read(api['runner-enrollments'].$post({ json }), enrollmentCreated);
export const enrolment = (id: string, call: Call = {}) => read(api['runner-enrollments'][':id'].$get(at(id), abortable(call)), enrollment);
