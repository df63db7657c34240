import type { Policy } from '@gatehouse/core/access/policy-in-force.ts';

/** Paper is a way out as copies are: where those are bounded, or files stay inside, pages print as one sentence. */
export const isPrintCovered = (policy: Policy | null): boolean =>
  policy !== null && (policy.clipboardOut !== null || policy.download === 0);

/** Covers what is printed while the policy says so (`print.css`). @param tried somebody printed @returns what takes the cover away */
export function coverPrint(covered: boolean, tried: () => void): () => void {
  const { dataset } = document.documentElement;
  if (!covered) return () => undefined;
  dataset['print'] = 'covered';
  window.addEventListener('beforeprint', tried);
  return () => {
    delete dataset['print'];
    window.removeEventListener('beforeprint', tried);
  };
}
