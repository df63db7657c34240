/** What floats stands in the page's main landmark, where a screen reader's tour of the page finds it. */
export const landmark = (): HTMLElement => document.getElementById('main') ?? document.body;
