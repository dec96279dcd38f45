// The seeds of a run and of its cases.

import { chosen } from "weir";

export const seedFlag = {
  seed: {
    default: -1,
    help: "of all that is drawn; -1: another one for each run, which it names, so that none finds the prompts of an earlier one in the cache; several instances must be given the same",
  },
} as const;

/** The seed of a run, from which caseSeed makes those of its cases. Call it once, in plan. */
export function chooseSeed(given: number): number {
  if (given >= 0) return given;
  const seed = Date.now() % 2 ** 31;
  chosen("seed", seed);
  console.log(`seed: ${seed} (--seed ${seed} makes the same prompts again)`);
  return seed;
}

/**
 * The seed of case i of a run: prompts, gaps and all else that the case draws come from it. Neighbours of a run's seed would be
 * those of its second case, its third and so on, so that a run with --seed 2 found what one with --seed 1 had sent; these have
 * nothing in common, from one seed, case or scenario to another. All scenarios use it; their tags have the run's seed, which --seed takes. A whole number from 0 to 2⁵³ - 1.
 */
export function caseSeed(scenario: string, seed: number, i: number): number {
  let [low, high] = [1, 2];
  for (const n of [...scenario].map((letter) => letter.codePointAt(0)!).concat(seed % 2 ** 32, Math.floor(seed / 2 ** 32), i)) {
    low = mixed(low ^ n);
    high = mixed(high ^ n ^ low);
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0);
}

// mixed changes about half of the 32 bits whichever of them is another; no two numbers become the same.
function mixed(n: number): number {
  n = Math.imul(n ^ (n >>> 16), 0x7feb352d);
  n = Math.imul(n ^ (n >>> 15), 0x846ca68b);
  return (n ^ (n >>> 16)) | 0;
}
