/**
 * xterm.js makes style elements and style attributes, which a strict content security policy refuses. Here
 * elements are made that pass it: style elements carry the page's nonce, and style attributes are set through
 * the object model, which the policy allows.
 */
function allowedElements(page: Document, nonce: string): Document['createElement'] {
  const createElement = Document.prototype.createElement.bind(page);
  return (name: string, options?: ElementCreationOptions): HTMLElement => {
    const element = createElement(name, options);
    if (element instanceof HTMLStyleElement) element.nonce = nonce;
    else if (element instanceof HTMLSpanElement) allowStyleAttribute(element);
    return element;
  };
}

/** The document for xterm's `documentOverride`, from which its renderers make what they draw. */
export function nonceDocument(page: Document, nonce: string): Document {
  const createElement = allowedElements(page, nonce);
  return new Proxy(page, {
    get(target, key) {
      if (key === 'createElement') return createElement;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
    set: (target, key, value) => Reflect.set(target, key, value, target),
  });
}

/**
 * Runs what makes its elements from the page's own document, whatever `documentOverride` says: xterm's scroll bar
 * does, while the terminal opens.
 */
export function withNonce(page: Document, nonce: string, run: () => void): void {
  page.createElement = allowedElements(page, nonce);
  try {
    run();
  } finally {
    Reflect.deleteProperty(page, 'createElement');
  }
}

/** The fallback renderer writes true colours of single cells as style attributes. */
function allowStyleAttribute(element: HTMLSpanElement): void {
  element.setAttribute = (name, value) => {
    if (name === 'style') element.style.cssText = value;
    else HTMLElement.prototype.setAttribute.call(element, name, value);
  };
}
