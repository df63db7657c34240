import type { TemplateParameter } from '@gatehouse/core/api/template-parameters.ts';

/** The definition of a parameter while it is edited: everything as it is typed, whatever its type is just now. */
export interface ParameterDraft {
  name: string;
  label: string;
  help: string;
  type: TemplateParameter['type'];
  required: boolean;
  immutable: boolean;
  /** of a bool: `true`, `false` or nothing */
  default: string;
  /** one on each line */
  options: string;
  pattern: string;
  min: string;
  max: string;
}

export const TYPE_WORDS: Record<TemplateParameter['type'], string> = {
  text: 'Text',
  number: 'Number',
  bool: 'Yes or no',
  choice: 'One of several',
};

export const EMPTY_PARAMETER: ParameterDraft = {
  ...{ name: '', label: '', help: '', type: 'text', required: false, immutable: false },
  ...{ default: '', options: '', pattern: '', min: '', max: '' },
};

const shown = (value: string | number | boolean | null): string => (value === null ? '' : String(value));

export function parameterDraftOf(parameter: TemplateParameter): ParameterDraft {
  const { name, label, help, type, required, immutable } = parameter;
  const head = { ...EMPTY_PARAMETER, name, label, help, type, required, immutable, default: shown(parameter.default) };
  switch (parameter.type) {
    case 'text':
      return { ...head, pattern: parameter.pattern ?? '' };
    case 'number':
      return { ...head, min: shown(parameter.min), max: shown(parameter.max) };
    case 'choice':
      return { ...head, options: parameter.options.join('\n') };
    case 'bool':
      return head;
  }
}

const numberOf = (text: string): number | null => (text.trim() === '' ? null : Number(text));

/** What is sent; what is no number is left to the schema. */
export function parameterOf(draft: ParameterDraft): TemplateParameter {
  const { name, label, help, required, immutable } = draft;
  const head = { name: name.trim(), label, help, required, immutable };
  switch (draft.type) {
    case 'text':
      return { ...head, type: 'text', default: draft.default === '' ? null : draft.default, pattern: draft.pattern.trim() || null };
    case 'number':
      return { ...head, type: 'number', default: numberOf(draft.default), min: numberOf(draft.min), max: numberOf(draft.max) };
    case 'bool':
      return { ...head, type: 'bool', default: draft.default === '' ? null : draft.default === 'true' };
    case 'choice': {
      const options = draft.options.split('\n').map((line) => line.trim());
      return { ...head, type: 'choice', default: draft.default || null, options: options.filter((line) => line !== '') };
    }
  }
}
