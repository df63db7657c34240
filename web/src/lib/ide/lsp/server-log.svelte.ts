/** Lines that are kept; a server that talks without end is cut at its beginning. */
const MOST_LINES = 500;
const MOST_LINE = 1000;

/** What a language server said about itself, for whoever looks why it does not work. */
export class ServerLog {
  lines = $state.raw<readonly string[]>([]);

  add(text: string): void {
    const fresh = text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => line.slice(0, MOST_LINE));
    if (fresh.length > 0) this.lines = [...this.lines, ...fresh].slice(-MOST_LINES);
  }
}
