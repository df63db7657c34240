import { z } from 'zod';

export const VERSION_STATES = ['draft', 'published', 'deprecated'] as const;
export const versionState = z.enum(VERSION_STATES);
