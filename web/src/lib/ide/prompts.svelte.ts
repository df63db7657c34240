export interface PromptChoice {
  label: string;
  look: 'primary' | 'danger' | 'plain';
  value: string;
}

export interface Prompt {
  title: string;
  text: string;
  choices: readonly PromptChoice[];
}

/** Questions that need an answer before something is done; one at a time. */
export class Prompts {
  current = $state.raw<Prompt | null>(null);
  #answer: ((value: string | null) => void) | null = null;

  /** @returns the value of the choice; null when the question was put aside */
  ask(prompt: Prompt): Promise<string | null> {
    this.answer(null);
    this.current = prompt;
    return new Promise((resolve) => (this.#answer = resolve));
  }

  answer(value: string | null): void {
    const answer = this.#answer;
    this.#answer = null;
    this.current = null;
    answer?.(value);
  }
}
