import { z } from 'zod';

export const parameterValue = z.union([z.string().max(1000), z.number(), z.boolean()]);
export type ParameterValue = z.infer<typeof parameterValue>;
/** by name; what is left out takes its default */
export const parameterValues = z.record(z.string(), parameterValue);
export type ParameterValues = z.infer<typeof parameterValues>;
