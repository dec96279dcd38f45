// Values of a sweep (rates, users, lengths) and stages of a load that ramps, spaced as experiments need them.
import { randomSeeded, type Duration, type Load } from "weir";

/** Both ends are values, too. Downwards when `to` is less than `from`. */
export interface Range {
  from: number;
  to: number;
}

// More values than any sweep has: a misplaced point is found before a list fills the memory.
const most = 100_000;

/**
 * Values at equal distances: `linear({ from: 10, to: 50, step: 10 })` is 10, 20, 30, 40, 50, and so is `{ from: 10, to: 50, count: 5 }`.
 * Where `step` does not lead to `to`, the last step is shorter.
 */
export function linear(o: Range & ({ step: number; count?: undefined } | { count: number; step?: undefined })): number[] {
  const { from, to, step, count } = o;
  ends("linear", o);
  if (count !== undefined) return spaced("linear", o, count, (share) => from + (to - from) * share);
  if (!(step > 0 && step < Infinity)) throw new TypeError(`linear: give a step above 0 or a count, got step ${String(step)}`);
  const steps = Math.ceil(Math.abs(to - from) / step - 1e-9);
  enough("linear", steps);
  return [...Array.from({ length: steps }, (_, i) => tidy(from + Math.sign(to - from) * i * step)), to];
}

/**
 * Values at equal ratios: `geometric({ from: 1, to: 64, factor: 4 })` is 1, 4, 16, 64, and so is `{ from: 1, to: 64, count: 4 }`. Where
 * `factor` does not lead to `to`, the last one is smaller. `whole` rounds them, each once, for numbers of users.
 */
export function geometric(o: Range & { whole?: boolean } & ({ factor: number; count?: undefined } | { count: number; factor?: undefined })): number[] {
  const { from, to, factor, count, whole } = o;
  ends("geometric", o);
  if (!(from > 0 && to > 0)) throw new TypeError(`geometric: from and to must be above 0, got ${from} and ${to}; linear has values from 0 on`);
  const round = (values: number[]): number[] => (whole ? [...new Set(values.map(Math.round))] : values);
  if (count !== undefined) return round(spaced("geometric", o, count, (share) => from * (to / from) ** share));
  if (!(factor > 1 && factor < Infinity)) throw new TypeError(`geometric: give a factor above 1 or a count, got factor ${String(factor)}`);
  const steps = Math.ceil(Math.abs(Math.log(to / from)) / Math.log(factor) - 1e-9);
  enough("geometric", steps);
  return round([...Array.from({ length: steps }, (_, i) => tidy(from * factor ** (to < from ? -i : i))), to]);
}

/** As `stages` of a load has it. */
export type Stage = NonNullable<Load["stages"]>[number];

/**
 * Stages for `ramping-vus` and `ramping-arrival-rate` that hold each value for a while, and go to the next one within `rise` (0: at once).
 *
 * ```ts
 * yield { executor: "ramping-arrival-rate", stages: staircase(linear({ from: 5, to: 20, step: 5 }), { hold: "1m", rise: "5s" }) };
 * ```
 */
export function staircase(values: readonly number[], o: { hold: Duration; rise?: Duration }): Stage[] {
  if (values.length === 0) throw new TypeError("staircase: there are no values to hold");
  const { hold, rise = 0 } = o;
  if (hold === undefined) throw new TypeError('staircase: hold is missing: how long is each value kept, such as { hold: "1m" }?');
  return values.flatMap((target) => [{ duration: rise, target }, { duration: hold, target }]);
}

/** Stages of a load that is suddenly another one for a while: `base`, then `peak`, then `base` again to see how long it takes to recover. */
export function spike(o: { base: number; peak: number; before: Duration; hold: Duration; after: Duration; rise?: Duration; fall?: Duration }): Stage[] {
  const { base, peak, before, hold, after, rise = 0, fall = 0 } = o;
  for (const [name, value] of Object.entries({ base, peak, before, hold, after })) {
    if (value === undefined) throw new TypeError(`spike: ${name} is missing`);
  }
  return [
    { duration: 0, target: base },
    { duration: before, target: base },
    { duration: rise, target: peak },
    { duration: hold, target: peak },
    { duration: fall, target: base },
    { duration: after, target: base },
  ];
}

/**
 * Timestamps for `replay` of exactly `count` random arrivals in `count / rate` seconds, the time in which so many come on average: a
 * Poisson process whose number of arrivals is known. Those of `arrival-rate` with process poisson differ in their rate from case to case, 662 of them by
 * 4 % as often as not. Equal seeds give equal times.
 */
export function arrivals(o: { rate: number; count: number; seed: number }): number[] {
  const { rate, count, seed } = o;
  if (!(rate > 0 && rate < Infinity)) throw new TypeError(`arrivals: the rate is ${rate}; it must be above 0, per second`);
  if (!(Number.isInteger(count) && count >= 1)) throw new TypeError(`arrivals: the count is ${count}; it must be a whole number of at least 1`);
  const random = randomSeeded(seed);
  return Array.from({ length: count }, () => (random() * count * 1000) / rate).sort((a, b) => a - b);
}

function ends(what: string, { from, to }: Range): void {
  if (!(Number.isFinite(from) && Number.isFinite(to))) throw new TypeError(`${what}: from and to must be numbers, got ${String(from)} and ${String(to)}`);
}

function enough(what: string, count: number): void {
  if (count > most) throw new TypeError(`${what}: that makes ${count} values; ${most} are the most`);
}

function spaced(what: string, { from, to }: Range, count: number, at: (share: number) => number): number[] {
  if (!(Number.isInteger(count) && count >= 2)) throw new TypeError(`${what}: the count is ${count}; it must be a whole number of at least 2, as both ends are values`);
  enough(what, count);
  return Array.from({ length: count }, (_, i) => (i === 0 ? from : i === count - 1 ? to : tidy(at(i / (count - 1)))));
}

// tidy is a number without what binary fractions leave behind: 0.3 instead of 0.30000000000000004.
const tidy = (value: number): number => Number(value.toPrecision(12));
