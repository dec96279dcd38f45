/**
 * Metrics that a script fills itself. They are made in init code, outside of all
 * functions; values are added in iterations and belong to the case that runs.
 * Names are letters, digits and _, and not those of weir's own metrics. Those that begin with _ are in the result, but not in the
 * table at the end: for scripts that show them in a table of their own.
 */
declare module "weir/metrics" {
  type Tags = Record<string, string | number | boolean>;

  abstract class CustomMetric<Value> {
    /**
     * @param name one name has one kind and one unit in a run.
     * @param isTimeOrUnit true: values are times in milliseconds, as in k6; text: their unit.
     */
    constructor(name: string, isTimeOrUnit?: boolean | string);
    readonly name: string;
    /**
     * Adds a value to the case that runs. Throws outside of iterations, and when
     * the value is no finite number.
     * @param tags for thresholds on the values that have them, such as `"answer_length{step:login}"`; results are not split by them.
     */
    add(value: Value, tags?: Tags): void;
  }

  /** A distribution: average, extremes, percentiles. */
  export class Trend extends CustomMetric<number> {}

  /** A sum, and what it is per second; true counts 1, false 0. */
  export class Counter extends CustomMetric<number | boolean> {}

  /** The last value, with the smallest and the largest. */
  export class Gauge extends CustomMetric<number> {}

  /** The share of values that are not 0 or false. */
  export class Rate extends CustomMetric<number | boolean> {}

  const all: { Trend: typeof Trend; Counter: typeof Counter; Gauge: typeof Gauge; Rate: typeof Rate };
  export default all;
}
