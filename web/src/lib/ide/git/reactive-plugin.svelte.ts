import { type EditorView, type PluginValue, type ViewUpdate, ViewPlugin } from '@codemirror/view';

/**
 * A plugin of the editor that looks again whenever what it read of the page's state has changed.
 * @param read is called within an effect. @param updated is told of each update of the editor
 */
export function reactivePlugin(
  read: (view: EditorView) => void,
  updated: (update: ViewUpdate) => void = () => undefined,
): ViewPlugin<PluginValue> {
  return ViewPlugin.define((view) => {
    const stop = $effect.root(() => {
      $effect(() => read(view));
    });
    return { update: updated, destroy: stop };
  });
}
