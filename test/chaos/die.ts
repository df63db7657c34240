import { Chance } from '../support/chance.ts';

/** Seeded chance, so that a failure can be repeated: SEED=… in the environment, else a new one that is printed. */
export function seededDie(): { seed: number; chance: Chance; roll(sides: number): number } {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  process.stdout.write(`SEED=${seed}\n`);
  const chance = new Chance(seed);
  return { seed, chance, roll: (sides) => chance.between(0, sides - 1) };
}
