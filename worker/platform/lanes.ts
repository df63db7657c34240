/**
 * Does the work for each item, so many at once. One that fails keeps no other from it.
 * @returns what failed, and why
 */
export async function inLanes<T>(
  lanes: number,
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
): Promise<Array<{ item: T; error: unknown }>> {
  const failed: Array<{ item: T; error: unknown }> = [];
  const waiting = items.values();
  const lane = async () => {
    for (const item of waiting)
      await Promise.resolve(item)
        .then(work)
        .catch((error: unknown) => failed.push({ item, error }));
  };
  await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, lane));
  return failed;
}
