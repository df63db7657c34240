/**
 * Lets libraries insert styles under a strict content security policy: style elements made on the page carry its
 * nonce, and style attributes of spans are set through the object model, which the policy allows. The terminal,
 * the panes and their cursors need it; their own options for a document or a nonce do not reach all they make.
 * @returns takes it back
 */
export function allowStyles(page: Document, nonce: string): () => void {
  const createElement = Document.prototype.createElement.bind(page);
  page.createElement = (name: string, options?: ElementCreationOptions): HTMLElement => {
    const element = createElement(name, options);
    if (element instanceof HTMLStyleElement) element.nonce = nonce;
    else if (element instanceof HTMLSpanElement) allowStyleAttribute(element);
    return element;
  };
  return () => void Reflect.deleteProperty(page, 'createElement');
}

/** xterm.js writes the true colours of single cells as style attributes. */
function allowStyleAttribute(element: HTMLSpanElement): void {
  element.setAttribute = (name, value) => {
    if (name === 'style') element.style.cssText = value;
    else HTMLElement.prototype.setAttribute.call(element, name, value);
  };
}
