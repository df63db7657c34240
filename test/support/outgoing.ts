import { destinationConfig, type DestinationConfig } from '@gatehouse/core/api/audit.ts';
import type { AuditEvent } from '@gatehouse/core/audit/event.ts';
import { ask, type OutgoingEvent, type Target } from '../../worker/audit/send.ts';
import { send } from '../../worker/audit/sender.ts';

export const NOW = new Date();
export const now = () => NOW;

/** An event as it goes to a destination; `name` is that of its resource. */
export const outgoing = (seq: number, name = 'Payments', time = NOW): OutgoingEvent => {
  const event: AuditEvent = {
    ...{ id: `evt_${String(seq).padStart(4, '0')}`, seq, time: time.toISOString(), recordedAt: time.toISOString() },
    actor: { type: 'user', id: 'usr_1', name: 'Ines', email: 'ines@acme.test', via: 'session' },
    ...{ action: 'template.create', resource: { type: 'template', id: 'tpl_1', name }, outcome: 'success', status: 201, reason: null },
    ...{ origin: null, requestId: null, sessionId: null, workspaceId: null, grantId: null, diff: [], details: {} },
  };
  return { event, format: 'native', body: JSON.stringify(event) };
};
export const many = (count: number) => Array.from({ length: count }, (_, index) => outgoing(index + 1));
export const ids = (events: OutgoingEvent[]) => events.map(({ event }) => event.id);
export const sendNow = (target: Target, events: OutgoingEvent[]) => send(target, events, (request) => ask(request, { now: NOW }));
export const configOf = <T extends DestinationConfig['type']>(type: T, config: object) =>
  destinationConfig.parse({ type, ...config }) as Extract<DestinationConfig, { type: T }>;
export const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
