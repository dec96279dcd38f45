// What scenarios do with lists and datasets.
import { randomSeeded } from "weir";

/** Another order of a list: the same for equal seeds. */
export function shuffled<T>(list: readonly T[], seed: number): T[] {
  const random = randomSeeded(seed);
  const out = [...list];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
}

/** Whether an element fits; no more of them are made than it takes to know that. */
export function some<T>(list: Iterable<T>, fits: (element: T) => boolean): boolean {
  for (const element of list) if (fits(element)) return true;
  return false;
}
