import { z } from 'zod';
import { normalHost } from '../access/egress.ts';

/** A place that a workspace reaches by TCP: a database, say. Only the template that names it grants it. */
export const tcpResource = z.object({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'must have 1 to 31 small letters, digits or hyphens, and begin with a letter'),
  host: z
    .string()
    .trim()
    .toLowerCase()
    .max(253)
    .refine((value) => normalHost(value) !== null || z.ipv4().safeParse(value).success, 'must be a host name or an IPv4 address'),
  port: z.number().int().min(1).max(65535),
});
export type TcpResource = z.infer<typeof tcpResource>;

/** What the template grants beside the web: hosts and repositories are the policy's. */
export const templateNetwork = z.object({
  resources: z
    .array(tcpResource)
    .max(20)
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'must have a name each')
    .default([]),
});
