export const LOG_FORMATS = ['text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** From the most to the least that is said. */
export const LOG_LEVELS = ['debug', 'info', 'warning', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What a program that reads the log can go by. */
export type Fields = Record<string, string | number | boolean | null>;

/** One short line per thing that matters. Callers never pass a secret. */
export interface Log {
  /** for whoever looks for a fault */
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

/** The log of the whole program, which may say more or less from one moment to the next. */
export interface ProgramLog extends Log {
  level: LogLevel;
}

const COLOURS: Record<LogLevel, string> = { debug: '\u001b[2m', info: '', warning: '\u001b[33m', error: '\u001b[31m' };
const PLAIN = '\u001b[0m';

export interface LogOptions {
  format: LogFormat;
  level: LogLevel;
  now?: () => number;
  write?: (line: string) => void;
  colours?: boolean;
}

/** Writes to standard error, with colour only on a terminal. In text a message says it all; fields are for debugging there. */
export function makeLog({
  format,
  level: first,
  now = Date.now,
  write = (line) => process.stderr.write(line),
  colours = process.stderr.isTTY,
}: LogOptions): ProgramLog {
  const line = (level: LogLevel, message: string, fields: Fields) => {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(log.level)) return;
    const time = new Date(now()).toISOString();
    // Names come from people: one could end the line, or speak to the operator's terminal.
    const oneLine = message.replaceAll(/\p{Cc}+/gu, ' ');
    write(
      `${format === 'json' ? JSON.stringify({ ...fields, time, level, message: oneLine }) : `${time} ${textOf(level, oneLine, fields)}`}\n`,
    );
  };
  const textOf = (level: LogLevel, message: string, fields: Fields) => {
    const said =
      level === 'debug' ? [message, ...Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`)].join(' ') : message;
    return colours ? COLOURS[level] + said + PLAIN : said;
  };
  const log: ProgramLog = {
    level: first,
    debug: (message, fields = {}) => line('debug', message, fields),
    info: (message, fields = {}) => line('info', message, fields),
    warn: (message, fields = {}) => line('warning', message, fields),
    error: (message, fields = {}) => line('error', message, fields),
  };
  return log;
}

/** The same log, with these fields on each line. */
export const about = (log: Log, always: Fields): Log => ({
  debug: (message, fields) => log.debug(message, { ...always, ...fields }),
  info: (message, fields) => log.info(message, { ...always, ...fields }),
  warn: (message, fields) => log.warn(message, { ...always, ...fields }),
  error: (message, fields) => log.error(message, { ...always, ...fields }),
});
