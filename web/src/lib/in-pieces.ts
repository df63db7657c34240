/** As many at once as are done within a few milliseconds. */
const PIECE = 200;

/**
 * Makes something of each item of a long list, in pieces between which keys are taken and frames drawn.
 * @returns null: it is not wanted any more
 */
export async function inPieces<In, Out>(
  items: readonly In[],
  make: (item: In) => Out,
  isWanted: () => boolean = () => true,
): Promise<Out[] | null> {
  const made: Out[] = [];
  for (let from = 0; from < items.length; from += PIECE) {
    if (from > 0) await new Promise((resolve) => setTimeout(resolve));
    if (!isWanted()) return null;
    made.push(...items.slice(from, from + PIECE).map(make));
  }
  return made;
}
