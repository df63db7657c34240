import { z } from 'zod';
import { isAppLabel } from '../apps/host.ts';
import { idSchema } from '../ids.ts';
import { secret, time } from './common.ts';

/** Label of an app that the template names, or the number of a port. */
export const appLabelParam = z.string().max(35).refine(isAppLabel, 'must be the label of an app, or the number of a port');

/** `url`: on the app's own host, good once and for half a minute; its secret stands in the fragment. `address`: of the app, to be kept */
export const appOpened = z.object({ connectionId: idSchema('connection'), url: z.url(), address: z.url(), expiresAt: time });
export type AppOpened = z.infer<typeof appOpened>;

/** What is exchanged on the app's host for its cookie. */
export const appEntry = z.object({ code: secret });
