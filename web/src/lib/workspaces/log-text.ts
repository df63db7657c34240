// eslint-disable-next-line no-control-regex -- terminal control sequences are what is taken out
const SEQUENCES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;

/** A build log without terminal control sequences; of a line that was rewritten (`\r`), what stood there last. */
export function plainText(log: string): string {
  return log
    .replace(SEQUENCES, '')
    .split('\n')
    .map((line) => {
      const parts = line.replace(/\r+$/, '').split('\r');
      return parts[parts.length - 1] ?? '';
    })
    .join('\n');
}
