import type { IdeSettings } from '@gatehouse/core/api/ide-settings.ts';
import type { Clock } from '../connection/ports.ts';
import { Delayed } from './delayed.ts';
import type { OpenDocument } from './document.svelte.ts';
import { type FileStyle, styled } from './file-style.ts';
import type { Formatters } from './formatters.ts';

/** Autosave waits this long after the last key. */
const QUIET_MS = 1_000;
/** Saving waits this long for a formatter, then goes on without. */
const FORMAT_MS = 3_000;

export interface SaverPorts {
  clock: Clock;
  settings: () => Pick<IdeSettings, 'autosave' | 'formatOnSave'>;
  styleOf: (path: string) => Promise<FileStyle>;
  /** whether files may be changed from here now */
  mayChange: () => boolean;
  /** the line that somebody writes in, counted from 0; null: none */
  lineOf: (document: OpenDocument) => number | null;
}

/** Saves files as their project wants them, when asked and by itself. */
export class Saver {
  readonly #ports: SaverPorts;
  readonly #formatters: Formatters;
  readonly #quiet: Delayed<OpenDocument>;

  constructor(ports: SaverPorts, formatters: Formatters) {
    this.#ports = ports;
    this.#formatters = formatters;
    this.#quiet = new Delayed(ports.clock, QUIET_MS);
  }

  /** Formats and tidies the text, and saves it. @returns whether it was saved */
  async save(document: OpenDocument): Promise<boolean> {
    this.#quiet.cancel(document);
    if (document.state !== 'ready' || document.saving) return false;
    if (this.#ports.settings().formatOnSave) await this.#format(document);
    await this.#tidy(document, null);
    return document.save();
  }

  /** Somebody typed. */
  edited(document: OpenDocument): void {
    if (this.#ports.settings().autosave !== 'delay') return;
    this.#quiet.plan(document, () => void this.#byItself(document, this.#ports.lineOf(document)));
  }

  /** The editor of a file lost the keyboard. */
  left(document: OpenDocument): void {
    if (this.#ports.settings().autosave === 'focus') void this.#byItself(document, null);
  }

  forget(document: OpenDocument): void {
    this.#quiet.cancel(document);
  }

  dispose(): void {
    this.#quiet.cancelAll();
  }

  /** Never over what changed on disk, nor over unsaved work that was not looked at. */
  async #byItself(document: OpenDocument, keep: number | null): Promise<void> {
    const free = document.state === 'ready' && document.conflict === null && document.draft === null && !document.saving;
    if (!document.dirty || !free || !this.#ports.mayChange()) return;
    await this.#tidy(document, keep);
    await document.save();
  }

  /** @param keep a line that is left as it is, because somebody writes in it */
  async #tidy(document: OpenDocument, keep: number | null): Promise<void> {
    const style = await this.#ports.styleOf(document.path);
    document.style = style;
    if (style.endOfLine !== undefined) document.endLines(style.endOfLine);
    const text = document.buffer.read();
    const tidy = styled(text, style, keep);
    if (tidy !== text) document.buffer.replace(tidy);
  }

  async #format(document: OpenDocument): Promise<void> {
    const late = new Promise<boolean>((resolve) => this.#ports.clock.after(FORMAT_MS, () => resolve(false)));
    try {
      await Promise.race([this.#formatters.format(document), late]);
    } catch {
      // what can't be formatted is saved as it is
    }
  }
}
