// What a test of a library throws when something is not as it should be.

/** Numbers are the same but for the last digits. */
export function near(what: string, got: number, want: number, error = 1e-9): void {
  if (!Object.is(got, want) && !(Math.abs(got - want) <= error * Math.max(1, Math.abs(want)))) throw new Error(`${what} is ${got}, not ${want}`);
}

/** The JSON of both is the same. */
export function equal(what: string, got: unknown, want: unknown): void {
  if (JSON.stringify(got) !== JSON.stringify(want)) throw new Error(`${what} is ${JSON.stringify(got)}, not ${JSON.stringify(want)}`);
}

/** It throws a TypeError with this message. */
export function refuses(message: string, call: () => unknown): void {
  let got: unknown;
  try {
    got = call();
  } catch (error) {
    if (!(error instanceof TypeError) || error.message !== message) throw new Error(`threw ${String(error)}, not TypeError: ${message}`);
    return;
  }
  throw new Error(`${message}: nothing was thrown, it is ${JSON.stringify(got)}`);
}
