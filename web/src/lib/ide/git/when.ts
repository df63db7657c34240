import * as time from '#lib/time.ts';

const momentOf = (seconds: number) => new Date(seconds * 1000).toISOString();

/** "2 hours ago", of git's seconds. */
export const ago = (seconds: number): string => time.ago(momentOf(seconds), Date.now());
/** The same behind other words: "now", "yesterday, 17:52". */
export const since = (seconds: number): string => ago(seconds).replace(/^(Now|Yesterday)/, (word) => word.toLowerCase());
export const exactly = (seconds: number): string => time.dateTime(momentOf(seconds));
