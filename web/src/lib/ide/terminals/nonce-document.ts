/**
 * The document, except that the elements it makes pass a strict content security policy: style elements carry
 * the page's nonce, and style attributes are set through the object model, which the policy allows. xterm.js
 * takes such a document in place of the page's own.
 */
export function nonceDocument(page: Document, nonce: string): Document {
  const createElement = (name: string, options?: ElementCreationOptions): HTMLElement => {
    const element = page.createElement(name, options);
    if (element instanceof HTMLStyleElement) element.nonce = nonce;
    else if (element instanceof HTMLSpanElement) allowStyleAttribute(element);
    return element;
  };
  return new Proxy(page, {
    get(target, key) {
      if (key === 'createElement') return createElement;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
    set: (target, key, value) => Reflect.set(target, key, value, target),
  });
}

/** The fallback renderer writes true colours of single cells as style attributes. */
function allowStyleAttribute(element: HTMLSpanElement): void {
  element.setAttribute = (name, value) => {
    if (name === 'style') element.style.cssText = value;
    else HTMLElement.prototype.setAttribute.call(element, name, value);
  };
}
