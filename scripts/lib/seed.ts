// The seed of a run.

export const seedFlag = {
  seed: {
    default: -1,
    help: "of all that is drawn; -1: another one for each run, which it names, so that none finds the prompts of an earlier one in the cache; several instances must be given the same",
  },
} as const;

/** The seed of the first case. Call it once, in plan. */
export function chooseSeed(given: number): number {
  if (given >= 0) return given;
  const seed = Date.now() % 2 ** 31;
  console.log(`seed: ${seed} (--seed ${seed} makes the same prompts again)`);
  return seed;
}
