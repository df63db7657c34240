import { z } from 'zod';
import type { Permission } from '../access/permissions.ts';

/** Counting stops here: a figure beyond it is "5,000+", and costs no more. */
export const MOST_COUNTED = 5_000;
/** Days of the series of active people, today included. */
export const ACTIVE_DAYS = 30;

/** `more`: there are more than were counted. */
const figure = z.object({ count: z.number().int(), more: z.boolean() });
export type Figure = z.infer<typeof figure>;

/** What a new organisation should have, and the permission of whoever can see to it. */
export const SETUP_STEPS = {
  'second-owner': 'role:assign',
  'second-factor': 'tenant:update',
  runner: 'runner:manage',
  template: 'template:create',
  siem: 'siem:manage',
} as const satisfies Record<string, Permission>;
export type SetupStep = keyof typeof SETUP_STEPS;

/** How the organisation stands, as far as the caller may see: what needs another permission is null. Days are UTC. */
export const overview = z.object({
  people: z
    .object({
      today: z.number().int(),
      /** different people within the last 7 and 30 days, today included */
      week: z.number().int(),
      month: z.number().int(),
      days: z.array(z.object({ day: z.iso.date(), people: z.number().int() })).describe('the last 30 days, oldest first'),
    })
    .nullable()
    .describe('who was active; needs user:read'),
  work: z
    .object({
      connections: figure.describe('open connections of browsers to workspaces'),
      connected: figure.describe('people who have one'),
      running: figure.describe('workspaces that run'),
    })
    .nullable()
    .describe('needs workspace:read-all'),
  runners: z
    .object({
      online: z.number().int(),
      offline: z.number().int(),
      unconfirmed: z.number().int(),
      old: z.number().int().describe('of the confirmed ones, those whose release does not understand all that templates say'),
    })
    .nullable()
    .describe('needs runner:read'),
  setup: z
    .array(z.enum(Object.keys(SETUP_STEPS) as [SetupStep, ...SetupStep[]]))
    .describe('what is still to be set up, of what the caller may'),
});
export type Overview = z.infer<typeof overview>;
