/**
 * Where in the run the script is, and how it ends the run. Everything is read
 * anew each time. Outside of iterations (in init code, setup, plan and teardown)
 * what belongs to an iteration is null.
 */
declare module "weir/execution" {
  /** The iteration that runs. */
  export const scenario: {
    /** Name of the scenario. */
    readonly name: string | null;
    /** Number of the iteration in the case, from 0. */
    readonly iteration: number | null;
    /** Number of the virtual user, from 0. */
    readonly vu: number | null;
    /** A copy of the tags that requests carry now, those of groups included. */
    readonly tags: Record<string, string> | null;
  };

  /** The JavaScript runtime that runs this code. */
  export const runtime: {
    /** From 0. Module-level state is per runtime. */
    readonly id: number;
  };

  /** The whole run. */
  export const run: {
    /**
     * Ends the run as a Ctrl-C does: nothing more starts, what runs may end, and
     * the results are written. Throws, so that the calling iteration ends at once;
     * it counts as interrupted, not as failed.
     */
    abort(reason?: string): never;
    /** How many runs play the load together, as `--instance` says; 1: this one alone. */
    readonly instances: number;
    /** The SLOs of `--goodput`, milliseconds, which replace those of the script; {}: none. */
    readonly goodput: Readonly<Partial<Record<import("weir").SLOName, number>>>;
  };

  /** k6's name for `run`. */
  export const test: typeof run;

  /** The simulator that was started for this run; null when there is none. */
  export const sim: { readonly url: string } | null;

  const all: {
    scenario: typeof scenario;
    runtime: typeof runtime;
    run: typeof run;
    test: typeof test;
    sim: typeof sim;
  };
  export default all;
}
