/** Keys of the IDE that Vim has better use for while its editor has the keyboard. Their actions are in the palette. */
export const VIM_KEEPS = ['Ctrl B', 'Ctrl W', 'Ctrl D'] as const;
