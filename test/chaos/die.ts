/** A seeded die, so that a failure can be repeated: SEED=… in the environment, else a new one that is printed. */
export function seededDie(): { seed: number; roll(sides: number): number } {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  process.stdout.write(`SEED=${seed}\n`);
  let state = seed;
  return {
    seed,
    roll: (sides) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * sides);
    },
  };
}
