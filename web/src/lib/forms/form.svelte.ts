import { tick } from 'svelte';
import type { z } from 'zod';
import { asProblem, type ApiProblem } from '#lib/api/problem.ts';

/** What a single control needs of its form. */
export interface FieldChecks {
  readonly errors: Record<string, string>;
  checkField(path: string, values: unknown): void;
  clearField(path: string): void;
}

/** A form that shares its schema with the API, so that both say the same about the same mistake. */
export class Form<S extends z.ZodType> implements FieldChecks {
  /** messages by dotted path, as in problem documents */
  errors = $state<Record<string, string>>({});
  /** a refusal that belongs to no field */
  problem = $state.raw<ApiProblem | null>(null);
  busy = $state(false);
  readonly #schema: S;

  constructor(schema: S) {
    this.#schema = schema;
  }

  /** Checks one field, for instance when it is left. */
  checkField(path: string, values: unknown): void {
    const message = this.#messages(values)[path];
    if (message === undefined) this.clearField(path);
    else this.errors[path] = message;
  }

  /** A field that is being mended stops complaining. */
  clearField(path: string): void {
    const { [path]: _mended, ...rest } = this.errors;
    this.errors = rest;
  }

  /** Checks everything, then saves. The first wrong field gets the focus. @returns whether it was saved */
  async submit(values: unknown, save: (parsed: z.output<S>) => Promise<void>): Promise<boolean> {
    if (this.busy) return false;
    this.problem = null;
    const parsed = this.#schema.safeParse(values);
    this.errors = parsed.success ? {} : this.#messages(values);
    if (!parsed.success) {
      await this.#focusFirst();
      return false;
    }
    this.busy = true;
    try {
      await save(parsed.data);
      return true;
    } catch (thrown) {
      await this.#refused(asProblem(thrown));
      return false;
    } finally {
      this.busy = false;
    }
  }

  async #refused(problem: ApiProblem): Promise<void> {
    const named = problem.errors.filter(({ path }) => path !== '');
    for (const { path, message } of named) this.errors[path] ??= message;
    if (named.length === 0 || problem.code !== 'invalid') this.problem = problem;
    await this.#focusFirst();
  }

  #messages(values: unknown): Record<string, string> {
    const parsed = this.#schema.safeParse(values);
    const messages: Record<string, string> = {};
    for (const issue of parsed.error?.issues ?? []) messages[issue.path.join('.')] ??= messageOf(issue);
    return messages;
  }

  async #focusFirst(): Promise<void> {
    await tick();
    document.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }
}

/** What is wrong with a name among freely named values stands one level deeper. */
function messageOf(issue: z.core.$ZodIssue): string {
  return issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
}
