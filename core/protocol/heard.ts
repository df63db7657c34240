import { z } from 'zod';

/** Kinds of message on the control link beside those that every release knows: each side says which it hears, and is sent no others. */
export const HEARD_BY_WORKER: readonly string[] = ['usage', 'read'];
export const HEARD_BY_RUNNER: readonly string[] = ['watch', 'notice'];

/** How a side says so; a release before did not. */
export const hears = z.array(z.string().max(40)).max(50).optional();
