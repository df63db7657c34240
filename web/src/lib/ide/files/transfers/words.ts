const UNITS = ['bytes', 'kB', 'MB', 'GB'];

/** "812 bytes", "1.4 MB" */
export function bytesWords(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < UNITS.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** "12 s left", "3 min left" */
export function leftWords(seconds: number): string {
  if (seconds < 1) return 'almost there';
  if (seconds < 90) return `${Math.ceil(seconds)} s left`;
  if (seconds < 5400) return `${Math.ceil(seconds / 60)} min left`;
  return `${Math.ceil(seconds / 3600)} h left`;
}

export const filesWords = (count: number): string => (count === 1 ? '1 file' : `${count.toLocaleString('en')} files`);
