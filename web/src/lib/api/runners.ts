import { enrollment, enrollmentCreated, runner, runnerList, type enrollmentCreate } from '@gatehouse/core/api/workspaces.ts';
import type { z } from 'zod';
import { request, send, type Call } from './request.ts';

export type EnrollmentCreated = z.infer<typeof enrollmentCreated>;

type Signal = Pick<Call, 'signal'>;

export const list = (call: Signal = {}) => request('GET', '/runners', runnerList, { ...call, query: { limit: 100 } });
/** @param fingerprint the one that the administrator compared with the runner's console */
export const confirm = (id: string, fingerprint: string) => request('POST', `/runners/${id}/confirm`, runner, { body: { fingerprint } });

export async function remove(id: string): Promise<void> {
  await send('DELETE', `/runners/${id}`);
}

export const enrol = (body: z.input<typeof enrollmentCreate>) => request('POST', '/runner-enrollments', enrollmentCreated, { body });
export const enrolment = (id: string, call: Signal = {}) => request('GET', `/runner-enrollments/${id}`, enrollment, call);
