import type { Recording, RecordingSettings } from '@gatehouse/core/api/recordings.ts';
import { duration, plural } from '#lib/time.ts';

/** Who can read what is recorded, in one sentence. */
export function keyWords({ key, retentionDays }: RecordingSettings): string {
  const kept = `Kept for ${plural(retentionDays, 'day')}.`;
  if (key?.kind === 'held') return `Sealed to a key that only your organisation holds: no search by Gatehouse. ${kept}`;
  return `Sealed to a key that Gatehouse manages: what terminals showed can be searched. ${kept}`;
}

export const lengthOf = ({ startedAt, endedAt }: Recording, now: number): string =>
  duration(Math.max(0, ((endedAt === null ? now : Date.parse(endedAt)) - Date.parse(startedAt)) / 1000));

export const sizeOf = (bytes: number): string =>
  bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;

/** 75 → 1:15, 3675 → 1:01:15 */
export function momentOf(seconds: number): string {
  const whole = Math.floor(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = String(whole % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}
