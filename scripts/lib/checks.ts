// Checks of flags, each of which ends the run with a message.
import { invalidParams } from "weir";

/** Flags that are whole numbers, or lists of them, of at least `least`. */
export function wholeNumbers(least: number, flags: Record<string, number | readonly number[]>): void {
  for (const [flag, value] of Object.entries(flags)) {
    const list = [value].flat();
    if (list.length === 0 || list.some((n) => !Number.isInteger(n) || n < least)) {
      invalidParams(`${flag} must be ${Array.isArray(value) ? "whole numbers" : "a whole number"} of at least ${least}, got ${list.join(" ") || "none"}`);
    }
  }
}

/** Flags that are numbers above 0, or lists of them. */
export function aboveZero(flags: Record<string, number | readonly number[]>): void {
  for (const [flag, value] of Object.entries(flags)) {
    const list = [value].flat();
    if (list.length === 0 || list.some((n) => !(n > 0 && n < Infinity))) {
      invalidParams(`${flag} must be more than 0, got ${list.join(" ") || "none"}`);
    }
  }
}

/** --seed. */
export function checkSeed(seed: number): void {
  if (seed < -1 || !Number.isInteger(seed)) {
    invalidParams(`--seed must be a whole number of at least 0, or -1 for one of weir's own, got ${seed}`);
  }
}
