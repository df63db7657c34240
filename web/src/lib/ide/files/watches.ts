import type { RemoteFiles } from './remote-files.ts';

/** Keeps exactly the wanted directories watched, through reconnections. */
export class Watches {
  readonly #files: Pick<RemoteFiles, 'watch'>;
  readonly #changed: (directory: string, paths: string[] | null) => void;
  readonly #running = new Map<string, () => void>();
  #wanted: readonly string[] = [];
  #connected = false;

  /** @param changed paths below `directory`; null when too much happened to name it */
  constructor(files: Pick<RemoteFiles, 'watch'>, changed: (directory: string, paths: string[] | null) => void) {
    this.#files = files;
    this.#changed = changed;
  }

  want(directories: readonly string[]): void {
    this.#wanted = directories;
    if (!this.#connected) return;
    for (const [directory, stop] of this.#running) {
      if (directories.includes(directory)) continue;
      this.#running.delete(directory);
      stop();
    }
    for (const directory of directories) if (!this.#running.has(directory)) this.#watch(directory);
  }

  /** A new connection stands: the watches of the old one are gone. */
  connected(): void {
    this.#connected = true;
    this.#running.clear();
    this.want(this.#wanted);
  }

  #watch(directory: string): void {
    const stop = this.#files.watch(
      directory,
      (paths) => this.#changed(directory, paths),
      // A refusal (too many watches, a directory that went) leaves the refresh button; a cut is followed by `connected`.
      (error) => {
        if (error.code === 'disconnected') this.#connected = false;
      },
    );
    this.#running.set(directory, stop);
  }
}
