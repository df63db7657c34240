export const LOG_FORMATS = ['text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** One short line per thing that matters. Callers never pass a secret. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

const RED = '\u001b[31m';
const YELLOW = '\u001b[33m';
const PLAIN = '\u001b[0m';

/** Writes to standard error, with colour only on a terminal. */
export function makeLog(format: LogFormat, now: () => number = Date.now): Log {
  const colour = (code: string, text: string) => (process.stderr.isTTY ? code + text + PLAIN : text);
  const line = (level: string, message: string, code: string) => {
    const time = new Date(now()).toISOString();
    const oneLine = message.replaceAll('\n', ' ');
    const text = format === 'json' ? JSON.stringify({ time, level, message: oneLine }) : `${time} ${colour(code, oneLine)}`;
    process.stderr.write(`${text}\n`);
  };
  return {
    info: (message) => line('info', message, ''),
    warn: (message) => line('warning', message, YELLOW),
    error: (message) => line('error', message, RED),
  };
}
