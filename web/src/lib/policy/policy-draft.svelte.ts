import { FIELDS, mergePolicy, policyValues, type Merged, type MergedPolicy, type PolicyValues } from '@gatehouse/core/access/policy.ts';
import { POLICY_FIELDS, type PolicyField } from '@gatehouse/core/access/policy-in-force.ts';
import type { GitRules } from '@gatehouse/core/access/egress.ts';
import type { PolicyShown } from '@gatehouse/core/api/policy.ts';

export interface PolicyChange {
  field: PolicyField;
  before: Merged;
  after: Merged;
}

type Texts = Record<PolicyField, string>;

/** What one level of the policy sets while it is edited, and what would be in force then. */
export class PolicyDraft {
  readonly level: 'tenant' | 'template';
  readonly #levels: { deployment: PolicyValues; tenant: PolicyValues; template: PolicyValues };
  readonly #saved: Texts;
  /** as they stand in the fields; '' is not set */
  texts = $state<Texts>(textsOf({}));

  constructor(level: 'tenant' | 'template', { levels }: PolicyShown) {
    this.level = level;
    const { deployment, tenant, template } = levels;
    this.#levels = {
      deployment: policyValues.parse(deployment),
      tenant: policyValues.parse(tenant),
      template: policyValues.parse(template),
    };
    this.#saved = textsOf(this.#levels[level]);
    this.texts = { ...this.#saved };
  }

  /** what is wrong with a field, by its name */
  readonly errors: Partial<Record<PolicyField, string>> = $derived.by(() => {
    const { error } = policyValues.safeParse(rawOf(this.texts));
    const found: Partial<Record<PolicyField, string>> = {};
    for (const issue of error?.issues ?? []) found[issue.path[0] as PolicyField] ??= issue.message;
    return found;
  });

  /** What is set now, without what is wrong. */
  readonly values: PolicyValues = $derived.by(() => {
    const raw = rawOf(this.texts);
    for (const field of POLICY_FIELDS) if (this.errors[field] !== undefined) raw[field] = undefined;
    return policyValues.parse(raw);
  });

  /** what is in force now */
  readonly before: MergedPolicy = $derived.by(() => this.#merge(this.#levels[this.level]));
  /** what would be in force */
  readonly merged: MergedPolicy = $derived.by(() => this.#merge(this.values));

  /** fields whose text is another one than what is saved */
  readonly edited: PolicyField[] = $derived.by(() => POLICY_FIELDS.filter((field) => this.texts[field].trim() !== this.#savedText(field)));

  readonly changes: PolicyChange[] = $derived.by(() =>
    this.edited.map((field) => ({ field, before: this.before[field], after: this.merged[field] })),
  );

  isValid(): boolean {
    return Object.keys(this.errors).length === 0;
  }

  undo(field: PolicyField): void {
    this.texts[field] = this.#saved[field];
  }

  discard(): void {
    this.texts = { ...this.#saved };
  }

  #savedText(field: PolicyField): string {
    return this.#saved[field];
  }

  #merge(own: PolicyValues): MergedPolicy {
    const { deployment, tenant, template } = this.#levels;
    return this.level === 'tenant' ? mergePolicy(deployment, own, template) : mergePolicy(deployment, tenant, own);
  }
}

/** A list that is set and empty. */
const NONE = 'none';

/** A repository a line, what may only be fetched without a word before it. */
function gitText({ fetch, push }: GitRules): string {
  const lines = [...fetch.filter((each) => !push.includes(each)), ...push.map((each) => `push ${each}`)];
  return lines.length === 0 ? NONE : lines.join('\n');
}

function gitRules(text: string): GitRules {
  const rules: GitRules = { fetch: [], push: [] };
  for (const line of text.split('\n').map((each) => each.trim())) {
    const [, word, repository = ''] = /^(?:(push|fetch)\s+)?(.*)$/i.exec(line) ?? [];
    if (repository !== '') rules[word?.toLowerCase() === 'push' ? 'push' : 'fetch'].push(repository);
  }
  return rules;
}

function textsOf(values: PolicyValues): Texts {
  const text = (field: PolicyField): string => {
    const value = values[field];
    if (value === undefined) return '';
    if (Array.isArray(value)) return value.length === 0 ? NONE : value.join('\n');
    return typeof value === 'object' ? gitText(value) : String(value);
  };
  return Object.fromEntries(POLICY_FIELDS.map((field) => [field, text(field)])) as Texts;
}

/** The fields as a level sets them, to be parsed. */
function rawOf(texts: Texts): Record<string, unknown> {
  const raw = (field: PolicyField): unknown => {
    const text = texts[field].trim();
    if (text === '') return undefined;
    const list = text.toLowerCase() === NONE ? [] : text.split(/[\s,]+/).filter(Boolean);
    switch (FIELDS[field].order) {
      case 'networks':
      case 'hosts':
        return list;
      case 'repositories':
        return gitRules(text.toLowerCase() === NONE ? '' : text);
      case 'most':
        return Number(text);
      case 'switch':
      case 'egress':
        return text;
    }
  };
  return Object.fromEntries(POLICY_FIELDS.flatMap((field) => (raw(field) === undefined ? [] : [[field, raw(field)]])));
}
