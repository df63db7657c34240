/** The text being edited: a plain string until an editor takes over. Its lines end as they are saved. */
export interface Buffer {
  read(): string;
  /** Shows other text, as little as possible of it moved. */
  replace(text: string): void;
  /** Whether it reads `text`; cheap when the lengths differ. */
  holds(text: string): boolean;
}

export class PlainBuffer implements Buffer {
  #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  read(): string {
    return this.#text;
  }
  replace(text: string): void {
    this.#text = text;
  }
  holds(text: string): boolean {
    return this.#text === text;
  }
}
