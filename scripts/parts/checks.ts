// Checks of flags, each of which ends the run with a message.
import { invalidParams, type ParamValue } from "weir";

/** The most that flags may be: what weir can play and make. */
export const limits = { vus: 1_000_000, prompts: 10_000_000, tokens: 100_000_000, seed: 2 ** 32 - 1 } as const;

/** Flags that are whole numbers, or lists of them, of at least `least` and at most `most`. */
export function wholeNumbers(least: number, flags: Record<string, number | readonly number[]>, most: number = Number.MAX_SAFE_INTEGER): void {
  for (const [flag, value] of Object.entries(flags)) {
    const [list, what] = [[value].flat(), Array.isArray(value) ? "whole numbers" : "a whole number"];
    if (list.length === 0 || list.some((n) => !Number.isInteger(n) || n < least)) {
      invalidParams(`${flag} must be ${what} of at least ${least}, got ${list.join(" ") || "none"}`);
    }
    if (list.some((n) => n > most)) invalidParams(`${flag} must be ${what} of at most ${most}, got ${list.join(" ")}`);
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

/** --request-rate, of which inf is all at once. */
export function checkRate(rates: number | readonly number[]): void {
  const list = [rates].flat();
  if (list.length === 0 || list.some((rate) => !(rate > 0))) {
    invalidParams(`--request-rate must be more than 0, got ${list.join(" ") || "none"}`);
  }
}

/** Lists of two flags that belong together, element by element. */
export function paired(flags: Record<string, readonly number[]>): void {
  const [[first, a], [second, b]] = Object.entries(flags);
  if (a.length !== b.length) {
    invalidParams(`${first} has ${a.length} values and ${second} has ${b.length}; they are paired, so there must be as many`);
  }
}

/** Flags that name files or folders. */
export function named(flags: Record<string, string>): void {
  for (const [flag, path] of Object.entries(flags)) {
    if (path.trim() === "") invalidParams(`${flag} is empty: name a file`);
  }
}

/** --seed. */
export function checkSeed(seed: number): void {
  if (seed < -1 || !Number.isInteger(seed) || seed > limits.seed) {
    invalidParams(`--seed must be a whole number from 0 to ${limits.seed}, or -1 for one of weir's own, got ${seed}`);
  }
}

/** Refuses flags that were given another value than their default, and that have no meaning `why`. */
export function useless<Specs extends Record<string, { readonly default?: unknown }>>(specs: Specs, values: { readonly [Name in keyof Specs]?: ParamValue<Specs[Name]> }, why: string): void {
  for (const [name, { default: usual }] of Object.entries(specs)) {
    // Lists are compared as texts, and so are numbers, of which JSON has no Infinity.
    if (String(values[name]) !== String(usual)) {
      invalidParams(`--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} does not apply ${why}`);
    }
  }
}
