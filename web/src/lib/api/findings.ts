import type { z } from 'zod';
import {
  detectionRuleList,
  finding,
  findingDetail,
  findingList,
  type findingMove,
  type findingsQuery,
} from '@gatehouse/core/api/findings.ts';
import { read } from './answer.ts';
import { abortable, api, at, type Call } from './client.ts';

const findings = api.detections.findings;

export const list = (query: z.input<typeof findingsQuery>, call: Call = {}) => read(findings.$get({ query }, abortable(call)), findingList);
export const get = (id: string, call: Call = {}) => read(findings[':id'].$get(at(id), abortable(call)), findingDetail);
export const move = (id: string, json: z.input<typeof findingMove>) => read(findings[':id'].move.$post({ ...at(id), json }), finding);
export const rules = (call: Call = {}) => read(api.detections.rules.$get({}, abortable(call)), detectionRuleList);
