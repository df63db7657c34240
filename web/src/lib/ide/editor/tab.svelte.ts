import type { Component } from 'svelte';
import { fileIcon } from '../files/icons.ts';
import { parentOf } from '../files/paths.ts';
import type { OpenDocument } from './document.svelte.ts';

/** What stands in a tab of an editor group. */
export interface EditorTab {
  /** of this content: a group has it once at most */
  readonly id: string;
  readonly kind: string;
  readonly title: string;
  /** the whole of the name, where the pointer rests on it */
  readonly hint: string;
  /** where it is, told where two tabs have the same title */
  readonly place: string;
  readonly icon: Component;
  readonly dirty: boolean;
  /** what it shows is not there any more */
  readonly gone: boolean;
  /** gives way to the next that is only looked at */
  preview: boolean;
  /** asked before it is closed, unless it is a file; left out: it may be */
  mayClose?(): Promise<boolean>;
  /** what saving means there, unless it is a file; left out: nothing */
  save?(): Promise<unknown>;
}

/** A file in the editor. */
export class FileTab implements EditorTab {
  readonly kind = 'file';
  readonly document: OpenDocument;
  preview = $state(false);

  constructor(document: OpenDocument, preview: boolean) {
    this.document = document;
    this.preview = preview;
  }

  get id(): string {
    return fileId(this.document.path);
  }
  get title(): string {
    return this.document.name;
  }
  get hint(): string {
    return this.document.path;
  }
  get place(): string {
    return parentOf(this.document.path) || 'root';
  }
  get icon(): Component {
    return fileIcon(this.document.name);
  }
  get dirty(): boolean {
    return this.document.dirty;
  }
  get gone(): boolean {
    return this.document.conflict === 'deleted' || this.document.state === 'missing';
  }
}

export const fileId = (path: string): string => `file:${path}`;

/** Something other than a file to edit: a comparison, a log, a preview. */
export interface AnyView {
  /** showing it again goes to the tab it has */
  id: string;
  kind: string;
  title: string;
  hint?: string;
  icon: Component;
  /** fetches its component, when it is first shown; what it takes is what `props` are */
  load: () => Promise<{ default: Component<never> }>;
  props: object;
  dirty?: () => boolean;
  /** asked before the tab is closed: whether it may be. Left out: always */
  mayClose?: () => Promise<boolean>;
  /** what saving means there. Left out: nothing */
  save?: () => Promise<unknown>;
  /** what `Workbench.revivals` of this kind makes it from after a reload, as JSON; left out: it does not come back */
  memo?: unknown;
}

/** One whose props are those of its component: as views are made. */
export interface View<Props extends object> extends AnyView {
  load: () => Promise<{ default: Component<Props> }>;
  props: Props;
}

export class ViewTab implements EditorTab {
  readonly gone = false;
  view = $state.raw() as AnyView;
  preview = $state(false);
  /** its component stays from when it was first in sight */
  seen = $state(false);

  constructor(view: AnyView, preview: boolean) {
    this.view = view;
    this.preview = preview;
  }

  get id(): string {
    return this.view.id;
  }
  get kind(): string {
    return this.view.kind;
  }
  get title(): string {
    return this.view.title;
  }
  get hint(): string {
    return this.view.hint ?? this.view.title;
  }
  get place(): string {
    return '';
  }
  /** Its component, which takes the view's props: whoever made the view gave it those. */
  async load(): Promise<Component<object>> {
    const { default: shown } = await this.view.load();
    return shown as Component<object>;
  }
  get icon(): Component {
    return this.view.icon;
  }
  get dirty(): boolean {
    return this.view.dirty?.() ?? false;
  }
  async save(): Promise<unknown> {
    return this.view.save?.();
  }
  async mayClose(): Promise<boolean> {
    return (await this.view.mayClose?.()) ?? true;
  }
}
