import type { replayStart } from '@gatehouse/core/api/audit.ts';
import type { z } from 'zod';

/** What a form's texts ask for; what is no number or time is left for the schema to refuse. */
export function replayFrom(by: 'number' | 'time', from: string, to: string): z.input<typeof replayStart> {
  const end = to.trim() === '' ? {} : { to: position(by, to) };
  return { from: position(by, from), ...end };
}

function position(by: 'number' | 'time', text: string): number | string {
  const trimmed = text.trim();
  if (by === 'time') return Number.isNaN(Date.parse(trimmed)) ? '' : new Date(trimmed).toISOString();
  return trimmed === '' ? 0 : Number(trimmed.replaceAll(/[,\s]/g, ''));
}
