/** What nearly every scenario needs, and the types of cases, options and results. */
declare module "weir" {
  // ---- parameters ----

  /**
   * Declares the scenario's parameters and returns their values. Each becomes a
   * flag (`sloTtft` → `--slo-ttft`), may stand in a `--params` file, or in a
   * variable (`WEIR_SLO_TTFT`). Only in init code.
   *
   * ```ts
   * const p = params({
   *   url:   { default: "http://127.0.0.1:8000", help: "base URL of the service" },
   *   rates: { default: [1, 2, 4], help: "requests per second, one case each" },
   *   mode:  { default: "fast", choices: ["fast", "exact"] as const },
   *   limit: { default: "10m", type: "duration", help: "limit of one request" },
   *   model: { type: "string", required: true },
   * });
   * ```
   */
  export function params<S extends Record<string, ParamSpec | ParamDefault>>(spec: S): { readonly [Name in keyof S]: ParamValue<S[Name]> };

  /**
   * Ends the run as a wrong flag does, with the message alone and exit code 104:
   * for parameters that make no sense, or not together. For init code.
   */
  export function invalidParams(message: string): never;

  /**
   * Notes in the result which value the script itself has given to a parameter that
   * left it open, as a seed of -1 does: `weir run SCRIPT --params result.json` takes
   * it from there. For init code, setup and plan.
   */
  export function chosen(name: string, value: string | number | boolean): void;

  /**
   * Ends the run as a threshold that was crossed does, with the message alone and
   * exit code 99: for what only several cases together can tell. For plan,
   * teardown and handleSummary.
   */
  export function notMet(message: string): never;

  /**
   * Ends the run with the message alone and exit code 1: for what the run could not
   * find out, because the service went away or because no case can be believed.
   * For plan, teardown and handleSummary.
   */
  export function undecided(message: string): never;

  /** What a default may be: it says the parameter's type, too. */
  export type ParamDefault = string | number | boolean | readonly string[] | readonly number[];

  /** One parameter. Its type is that of its default, unless `type` says otherwise. */
  export interface ParamSpec {
    /** Without a default, the value is null until somebody gives one. */
    default?: ParamDefault;
    type?: keyof ParamTypes;
    /** The only values that are allowed; of a list, its elements. */
    choices?: readonly string[] | readonly number[];
    /** Shown by `--help`. */
    help?: string;
    /** The run needs a value other than the default. */
    required?: boolean;
    /** Never shown, and never written to results. */
    secret?: boolean;
    /** One letter: `-n` for `--number`. */
    short?: string;
    /** The flag's name, when it is not that of the parameter. */
    flag?: string;
  }

  /** What a parameter of a type is in the script. */
  export interface ParamTypes {
    string: string;
    number: number;
    boolean: boolean;
    /** Written as "10m", "500ms" or a number of milliseconds; milliseconds in the script. */
    duration: number;
    "string list": readonly string[];
    "number list": readonly number[];
    "string[]": readonly string[];
    "number[]": readonly number[];
  }

  /** The type of a parameter's value. */
  export type ParamValue<S> =
    S extends ParamDefault ? ParamWidened<S>
    : S extends { default: ParamDefault } | { required: true } ? ParamGiven<S>
    : ParamGiven<S> | null;

  type ParamGiven<S> =
    S extends { type: "string list" | "number list" | "string[]" | "number[]"; choices: readonly (infer C)[] } ? readonly C[]
    : S extends { default: readonly unknown[]; choices: readonly (infer C)[] } ? readonly C[]
    : S extends { choices: readonly (infer C)[] } ? C
    : S extends { type: infer T extends keyof ParamTypes } ? ParamTypes[T]
    : S extends { default: infer D } ? ParamWidened<D>
    : string;

  type ParamWidened<D> =
    D extends string ? string
    : D extends number ? number
    : D extends boolean ? boolean
    : D extends readonly [] ? readonly string[]
    : D extends readonly (infer E)[] ? readonly ParamWidened<E>[]
    : never;

  // ---- in an iteration ----

  /**
   * Evaluates named conditions on a value, counts each one for the case, and
   * returns whether all of them hold. A condition is a value or a predicate. A
   * predicate that throws counts as failed; its exception is written to the
   * console once a run. A condition must not be a promise: await it first.
   * Outside of iterations (in setup, plan, teardown) nothing is counted.
   *
   * @param tags accepted as in k6; results are not split by them.
   */
  export function check<T>(value: T, conditions: Record<string, ((value: T) => unknown) | boolean>, tags?: Tags): boolean;

  /**
   * Waits. A number is **seconds**, as in k6; text is a duration with its unit,
   * such as `"500ms"`. Unlike k6's it must be awaited, because other iterations go
   * on meanwhile: `await sleep(1)`. Not in init code.
   */
  export function sleep(time: number | string): Promise<void>;

  /**
   * Calls a function whose requests carry the tag `group: "::name"`, also after
   * an await; nested groups are `"::outer::inner"`. Returns what the function
   * returns: await the group of an async function. Not in init code.
   */
  export function group<T>(name: string, fn: () => T): T;

  /** Throws: the iteration ends and counts as failed, with this message. */
  export function fail(message?: string): never;

  /**
   * A function like `Math.random` whose numbers are the same for the same seed
   * (a whole number from 0 to 2^53). It is not shared: every JavaScript runtime
   * that evaluates the script has its own.
   */
  export function randomSeeded(seed: number): () => number;

  /**
   * The plain data of a YAML document, which JSON is, too: `parseYAML(open("services.yaml"))`. Keys keep their order,
   * dates are texts. Anchors, aliases and merges (`<<`) are resolved; tags other than YAML's own are refused, and so are
   * keys that are there twice, a second document, more than 1,000,000 values and more than 1,000 levels. A byte order mark
   * and `%YAML` are taken as what they are. Errors begin with line:column.
   */
  export function parseYAML(text: string): any;

  /** Names and values that tell one case or request from others. */
  export type Tags = Record<string, string | number | boolean>;

  // ---- cases and options ----

  /** A time span: `"10m"`, `"1h30m"`, `"500ms"`, or a number of milliseconds. */
  export type Duration = string | number;

  /** The names of the executors. */
  export type ExecutorName =
    | "waves" | "shared-iterations" | "per-vu-iterations" | "constant-vus" | "ramping-vus"
    | "arrival-rate" | "constant-arrival-rate" | "ramping-arrival-rate" | "replay";

  /**
   * How iterations are started. Which options apply depends on the executor.
   *
   * Closed loops: a virtual user starts its next iteration when its last has ended.
   *
   * - `waves`: one iteration of each of `vus` at once, wait for **all**, `waves`
   *   times; `rate` and `process` space the starts inside a wave.
   * - `shared-iterations`: `iterations` in all, which `vus` take from one stock.
   * - `per-vu-iterations`: `iterations` of each of `vus`.
   * - `constant-vus`: each of `vus` runs iterations one after another for `duration`.
   * - `ramping-vus`: the same with a number of VUs that follows `stages`.
   *
   * Open loops: iterations start when the schedule says so, however long others take.
   *
   * - `arrival-rate`: `rate` starts per `timeUnit` by an arrival `process`, for
   *   `duration` or until there were `iterations`.
   * - `constant-arrival-rate`, `ramping-arrival-rate`: k6's, with even gaps.
   * - `replay`: iteration i starts at `timestamps[i]`, divided by `speed`.
   *
   * Without `executor`, `waves`, `stages`, `timestamps`, `rate`, `iterations` or
   * `duration` choose it.
   */
  export interface Load {
    executor?: ExecutorName;
    /** Closed loops: virtual users, which are iterations at the same time. Default 1; required for waves. */
    vus?: number;
    /**
     * shared-iterations: in all; per-vu-iterations: of each VU; default 1. arrival-rate: at most.
     * ramping-vus: in all, and then they end it instead of the last stage, whose target holds until then.
     */
    iterations?: number;
    /** Number of waves. Default 1. */
    waves?: number;
    /** constant-vus and open loops: how long iterations are started. */
    duration?: Duration;
    /**
     * waves, shared-iterations, per-vu-iterations: start nothing after this long;
     * what did not start counts as dropped. Default 10m; waves have no limit.
     */
    maxDuration?: Duration;
    /**
     * How long running iterations may take to end after the time limit or a stop.
     * Default 30s. Where there is no time limit, from the last start, and only if given.
     */
    gracefulStop?: Duration;
    /** ramping-vus: the same for a VU that is not needed any more. Default 30s. */
    gracefulRampDown?: Duration;
    /** Everything starts so long after the begin of the case. Default 0. */
    startTime?: Duration;
    /** Starts per `timeUnit`; of waves: per second inside a wave, default `Infinity`: all at once. */
    rate?: number | "inf";
    /** ramping-arrival-rate: the rate before the first stage. Default 0. */
    startRate?: number;
    /** The time that rates are counted in. Default 1s. */
    timeUnit?: Duration;
    /**
     * How gaps between starts are distributed, with the mean 1/rate: all equal,
     * exponential, or gamma with the shape `burstiness`. Default "constant".
     */
    process?: "constant" | "poisson" | "gamma";
    /** Of gamma: below 1 starts come in bunches, 1 is poisson, above it they are more even. Default 1. */
    burstiness?: number;
    /** arrival-rate: how many start at the same instant; the mean rate stays. Default 1. */
    burst?: number;
    /** Of the random gaps: the same seed gives the same schedule, another one for each scenario of a case. Default 0. */
    seed?: number;
    /** ramping-vus: VUs before the first stage. Default 1. */
    startVUs?: number;
    /** ramping-vus: of VUs; ramping-arrival-rate: of the rate. Each goes to its target in a straight line; one of duration 0 is a step. */
    stages?: readonly { duration: Duration; target: number }[];
    /** replay: when iterations start, from the begin, ascending. */
    timestamps?: readonly Duration[];
    /** replay: 2 plays the trace in half the time. Default 1. */
    speed?: number;
    /** Open loops: iterations at once, at most. Default: no limit. */
    maxInFlight?: number;
    /** What happens to arrivals beyond maxInFlight: they start later, or are dropped. Default "queue". */
    overflow?: "queue" | "drop";
    /** k6's maxInFlight, with "drop". */
    maxVUs?: number;
    /** What maxVUs is when it is not given. */
    preAllocatedVUs?: number;
    /** This is one of `instances` runs that play the load together, from 0. Default: as `--instance` says. */
    instance?: number;
    instances?: number;
  }

  /** One load of a case: its executor, its function and its data. */
  export interface Scenario extends Load {
    /** Name of the exported function that is an iteration. Default: the default export. */
    exec?: string;
    /** What tells it from others; in the result, and on every request. A case's tags are on its scenarios too. */
    tags?: Tags;
    /**
     * What iterations work on, as `it.data` and `it.item`: a list, a dataset or an
     * object of plain data. Plain data is copied once for each JavaScript runtime.
     */
    data?: unknown;
    /** Iterations before the case, whose records are kept apart; with vus, as many at once. When all of their requests fail, the case is not played. */
    warmup?: number | Load;
    /** Of a case: besides those of `options`, which they replace metric by metric. Of a scenario: on its part alone. */
    thresholds?: Thresholds;
    /** What makes a request good (`result.goodput`). Each SLO replaces that of the case, or of a case that of `options`. */
    slo?: SLOs;
  }

  /** One point of the plan: what `plan` yields. */
  export interface Case extends Scenario {
    /** Shown in tables and results. Default: "case 1", "case 2", … */
    name?: string;
    /** Number of cases in all, for the progress display. Repetitions do not count. */
    of?: number;
    /**
     * How often the case is played in succession, each time from its warm-up on, to see how results differ from one
     * time to the next. Default 1; `--repeat` stands above it. What `plan` receives is the last one's result.
     */
    repeat?: number;
    /** Default "default". */
    scenario?: string;
    /**
     * Several loads at the same time, by name. Besides them the case has no load of
     * its own; its exec, data and warmup hold for scenarios that have none.
     */
    scenarios?: Record<string, Scenario>;
    /** Wait after the case. */
    pause?: Duration;
    /**
     * Connections that are opened to each service before the case: a number, or
     * whether. Default: in closed loops as many as iterations run at once, in open
     * loops none; `true` there: maxInFlight or maxVUs.
     */
    preconnect?: boolean | number;
    /** Validity rules (docs/validity.md) whose findings belong to the experiment, such as "cached_prompts": they are reported and leave the verdict alone. */
    expect?: readonly string[];
    /**
     * What profiles the service, or anything else, while the load runs: made by `weir/profile`, or the two requests
     * that start and stop a profiler. All are started after the warm-up, just before the load, and stopped just after
     * it; neither is part of the case's times. A profiler that cannot be started ends the run. Not of the verdict VALID
     * (profiled_case), as profilers make services slower; see docs/profiling.md.
     */
    profile?: Profile | readonly Profile[] | false | null;
    /**
     * Ends the case as soon as one of these holds, such as
     * `{ goodput: "missed>7" }`: what runs is cut off, and the run goes on. They are
     * looked at every second; the result's `stopped` tells which it was.
     */
    stopWhen?: Record<string, string | readonly string[]>;
    /**
     * What the case's numbers are of: all of it, or its steady state, without warming up
     * and draining (docs/metrics.md#windows). Where there is none, they are of all, and a
     * note says why. `windows` of the result has both. The flag `--window` goes before it.
     * Default "all".
     */
    window?: Window;
  }

  /** What numbers are of: the whole case, or its steady state. */
  export type Window = "all" | "steady";

  /** What profiles a case: a `Profiler` of weir/profile, or the requests that start and stop one. */
  export type Profile = { readonly profiles: string[] } | ProfileRequests;

  /** The two requests that start and stop a profiler. */
  export interface ProfileRequests {
    start: string | ProfileRequest;
    stop: string | ProfileRequest;
    /** Limit of the stop, in which traces are written; a start may take 5 minutes of it. Default: 30 minutes. */
    timeout?: Duration;
    /** Where the trace will be, for the result. Default: what is known of it. */
    trace?: string;
    /** Its name in the result. Default: "http". */
    name?: string;
    /** Sent as header Authorization: Bearer. */
    apiKey?: string;
    /** Sent as header X-Apig-AppCode. */
    appCode?: string;
    /** Sent as header X-Auth-Token. */
    authToken?: string;
    /** Of both requests. */
    headers?: Record<string, string>;
  }

  /** How weir/llm, weir/http and weir/profile reach a service: certificates, a proxy, signed requests. */
  export interface Reach {
    /** Accept a certificate that cannot be verified. Default: false. */
    insecure?: boolean;
    /** File with certificates of authorities (PEM) that are trusted besides the system's. */
    ca?: string;
    /** File with the certificate to show to a service that asks for one (PEM); it may hold the key, too. */
    clientCert?: string;
    /** File with its private key (PEM, not encrypted). */
    clientKey?: string;
    /** Name that the service's certificate must have. Default: the URL's host. */
    serverName?: string;
    /** HTTP proxy: "http://user:password@host:port", https as well; "environment" takes HTTP_PROXY, HTTPS_PROXY and NO_PROXY. Default: none. */
    proxy?: string;
    /** Access key (AK) of Huawei Cloud: every request is signed (SDK-HMAC-SHA256), for which the secret key is needed, too. */
    accessKey?: string;
    secretKey?: string;
    /** Of temporary credentials. */
    securityToken?: string;
  }

  /** One request. A URL alone is sent a POST without a body. */
  export interface ProfileRequest {
    url: string;
    /** Default: "POST". */
    method?: string;
    /** A text, or what is sent as JSON. */
    body?: unknown;
    headers?: Record<string, string>;
  }

  /** What a profiler left of a case. */
  export interface Trace {
    /** Such as "vllm". */
    profiler: string;
    /** What it profiled or was switched by: the service's base URL, its configuration file, the command. */
    target?: string;
    /** When it ran, and when it was told to stop or had ended by itself. */
    started: string;
    stopped: string;
    /** From then until the trace was written, as far as one can know. */
    stop_took_s: number;
    /** Where the trace is, as far as it is known. */
    where?: string;
    level?: string;
    /** Why there is none, or a doubtful one. */
    error?: string;
  }

  /**
   * The most that latencies of a request may be, such as `{ ttft: 500, tpot: "50ms" }`.
   * A request that completes and keeps all of them is good. null takes one away
   * that is given around it.
   */
  export type SLOs = Partial<Record<SLOName, Duration | null>>;

  /** The latencies that SLOs may be about; docs/metrics.md defines them. */
  export type SLOName = "ttft" | "ttfo" | "tpot" | "e2el" | "ttft_from_schedule" | "ttfo_from_schedule" | "e2el_from_schedule";

  /**
   * Expressions by metric, such as `{ ttft: ["p(99)<2000"], request_failed: "rate<0.01" }`. `"ttft{rate:8}"` is about
   * the cases with this tag alone, `"ttft{scenario:chat,model:qwen}"` about the scenarios that have all of these. A value
   * with commas, braces or blanks at its ends stands in quotation marks: `'ttft{trace:"a, b"}'`.
   * So do the tags that requests and values get while the case runs: `"ttft{group:::login}"`, `"my_metric{step:login}"`.
   * `validity` is compared with a verdict: `"value==VALID"`, or `"value>=SUSPECT"` for all but INVALID.
   */
  export type Thresholds = Record<string, string | Threshold | readonly (string | Threshold)[]>;

  /** A threshold in k6's long form. */
  export interface Threshold {
    /** Such as "p(99)<2000". */
    threshold: string;
    /** The run ends as soon as it is crossed: what runs may end, nothing more starts, exit code 99. Default false. */
    abortOnFail?: boolean;
    /** Not before the case has lasted so long, nor at the end of a shorter one. Default 0. */
    delayAbortEval?: Duration;
  }

  /** What a check of docs/doctor.md has found. */
  export interface Finding {
    check: string;
    group: "service" | "machine" | "devices";
    /** "skip": it could not be looked at. */
    status: "ok" | "warn" | "fail" | "skip";
    what: string;
    /** Why it matters, and what to do about it: of warnings and failures. */
    why?: string;
    do?: string;
  }

  /** The type of `export const options`. Without `plan` they describe the one case; with it they are thresholds, SLOs, window, time limits and doctor. */
  export interface Options extends Case {
    /**
     * Look first, before setup and for less than 0.3 s, whether this machine and the services that the script
     * has named by then are fit: limits, CPUs, clock, reachability, round trip; as `weir doctor` does, without
     * making tokens. Findings are `doctor` of the result; what is certain to matter is printed, and nothing ends
     * the run. `weir run --no-doctor` leaves it out. Default false.
     */
    doctor?: boolean;
    /**
     * Statistics that the table at the end has of each latency, as in k6: `"avg"`, `"min"`, `"med"`, `"max"`,
     * `"count"`, `"p(N)"`; those that matter most first, as a narrow terminal shows fewer.
     * `weir run --summary-trend-stats` replaces it.
     */
    summaryTrendStats?: string[];
    /** Limit of setup, and of each step of plan. Default 10m. */
    setupTimeout?: Duration;
    /** Limit of teardown and of handleSummary. Default 1m. */
    teardownTimeout?: Duration;
  }

  /** The type of `export function* plan()`: it yields cases and receives their results. */
  export type Plan = Generator<Case, void, CaseResult>;

  /** What an iteration, the default export, is called with. `Data` is the type of the case's data, `State` that of a VU's state. */
  export interface It<Data = any, State = Record<string, any>> {
    /** Number of the iteration in its scenario's schedule, from 0: dropped ones and those of other instances leave gaps. */
    readonly index: number;
    /** Number of the virtual user in its scenario, from 0; it runs one iteration at a time. */
    readonly vu: number;
    /** Number of the iteration in its VU, from 0. */
    readonly iterationInVU: number;
    /** Name of the scenario. */
    readonly scenario: string;
    readonly caseName: string;
    /** Of the case and the scenario. */
    readonly tags: Readonly<Tags>;
    /**
     * An object that the VU keeps from one iteration to the next: the history of a
     * conversation, the token of a session. It is empty when the case begins, and
     * when its warm-up does.
     */
    readonly state: Partial<State>;
    /** The case's data; undefined when it has none. */
    readonly data: Data;
    /**
     * The element of data with the iteration's number; a list that is too short is
     * begun again. undefined when data is no list.
     */
    readonly item: ItemOf<Data>;
    /** True in the warm-up. */
    readonly warmup: boolean;
  }

  type ItemOf<Data> = 0 extends 1 & Data ? any : Data extends { readonly [index: number]: infer Item } ? Item : undefined;

  // ---- results ----

  /** VALID: can be believed. SUSPECT: with care. INVALID: not at all. */
  export type Verdict = "VALID" | "SUSPECT" | "INVALID";

  /** The result of a case: what `plan` receives, and a part of result.json. Latencies are milliseconds. */
  export interface CaseResult {
    name: string;
    /** Number of the repetition, from 1, when the case is played several times. */
    repeat?: number;
    /** In what plan receives of such a case: the results of all repetitions, of which this is the last one's. */
    repeats?: CaseResult[];
    tags: Tags;
    /** RFC 3339. */
    started: string;
    /** First request started → last response ended, seconds. */
    duration_s: number;
    counts: Counts;
    metrics: Metrics;
    throughput: Throughput;
    /** Requests that were good, when there are SLOs. */
    goodput?: Goodput;
    /** What `metrics`, `throughput` and `goodput` are of. Left out, like `windows`, when no request was started. */
    window?: Window;
    /** Both windows of the case. */
    windows?: Record<Window, CaseWindow>;
    /** How many of the case's requests are in requests.jsonl.zst (docs/records.md). In what handleSummary receives. */
    kept?: { requests: number; of: number; every: number };
    /** Whether latencies grew during the case, when it has a schedule. */
    growth?: Growth;
    /** For how many completed requests the tokens were counted by "usage", "tokenizer" or "events". */
    token_sources: { input: Record<string, number>; output: Record<string, number> };
    /** Arrivals by the clock that stamped them: "kernel" or "user". */
    stamps: Record<string, number>;
    /** Token events; `shared` ones were read together with a later part of the stream, so that their times are upper bounds. */
    token_events: { all: number; shared: number; read_late: number; first_shared: number };
    connections: { opened: number; failed: number; retransmits: number; retransmitted: number };
    /** Requests that waited for the file of records because the disk did not keep up: what followed them started later. */
    records_wait?: { count: number; total_s: number };
    errors: ErrorGroup[];
    checks: { name: string; passes: number; fails: number }[];
    validity: { verdict: Verdict; reasons: { rule: string; verdict: Verdict; message: string }[] };
    thresholds: ThresholdResult[];
    /** What weir itself used and suffered meanwhile. */
    client?: Client;
    /** What monitored devices did meanwhile (docs/telemetry.md). */
    devices?: DeviceUse[];
    /** What the devices that serve used; left out when none of them told. */
    energy?: Energy;
    warmup?: { iterations: number; requests: number; failed: number; errors: ErrorGroup[] };
    /** The run was stopped before the case had ended. */
    interrupted: boolean;
    /** Adds a tag to the case in the result, such as what plan has concluded from it. In what plan receives; handleSummary's cases have none. */
    tag(name: string, value: string | number | boolean): void;
    /** What of `stopWhen` has ended the case early. */
    stopped?: { metric: string; expr: string; value: number; after_s: number };
    /** Of the profilers that ran during the case; none: it was not profiled. */
    profile?: Trace[];
    /** What the servers' own pages of metrics say of the case, one each (metricsUrl, --metrics-url; docs/server-metrics.md). */
    server?: ServerPage[];
    /** The shares of the scenarios, when the script has named them. */
    scenarios?: Record<string, ScenarioResult>;
  }

  /** A part of a case's time: all of it, or without warming up and draining (docs/metrics.md#windows). */
  export interface CaseWindow {
    /** Seconds after the start of the case's first request. */
    from_s: number;
    to_s: number;
    /** false: there is no steady state, and `note` says why. */
    found: boolean;
    /** How it was found. */
    note?: string;
    /** That started in it and completed. */
    requests: number;
    /** What was measured in it; left out for the window that the case's own numbers are of. Its distributions have no `p()`, and it has none without samples. */
    metrics?: Record<string, Omit<Distribution, "p"> | CounterMetric | RateMetric | GoodputMetric>;
    throughput?: Throughput;
    goodput?: Goodput;
  }

  /** What a device did during a case. */
  export interface DeviceUse {
    /** As `--monitor-host` names it; left out: this machine. */
    host?: string;
    kind: "npu" | "gpu" | "host";
    index: number;
    name?: string;
    /** It is one of `--devices`: its energy counts. */
    serves: boolean;
    /** Inside the case. */
    readings: number;
    /** By quantity, such as "power_w"; the name ends in the unit. */
    values: Record<string, ValueStat>;
    /** That it used. */
    joules?: number;
    /** The worst that was seen, when it was not OK. */
    health?: string;
  }

  /** What was seen of a value: `avg` is the mean of its readings. */
  export interface ValueStat { n: number; avg: number; min: number; max: number }

  /** What the devices that serve used in a case. */
  export interface Energy {
    joules: number;
    /** Mean power. */
    watts: number;
    /** That counted, such as "npu 0" or "npu 3 of host1". */
    devices: string[];
    /** That serve and told no power, or for less than half of the case. */
    missing?: string[];
    joules_per_output_token?: number;
    /** Of input and output. */
    joules_per_token?: number;
    output_tokens_per_second_per_watt?: number;
    /** "power": integrated; "counter": the devices count it; "mixed": some do. */
    method: "power" | "counter" | "mixed";
    /** What it has to be read with. */
    note?: string;
  }

  /** What became of a source of telemetry in the whole run. */
  export interface Monitor {
    source: string;
    interval_s: number;
    readings: number;
    /** Readings that were due while the one before still ran, or that took too long. */
    missed: number;
    failed: number;
    /** The first failure. */
    error?: string;
    /** What is no failure and yet worth knowing, such as a tool that could not keep running: each reading is a call of its own. */
    note?: string;
    /** Lines that could not be read, each once, at most ten. */
    unread?: string[];
    /** By a reading. */
    took_ms?: Tail;
  }

  /** The share of one scenario in a case; `itl_decode` is known for the case only when there are several. */
  export interface ScenarioResult {
    /** The case's and its own. */
    tags: Tags;
    started: string;
    duration_s: number;
    counts: Counts;
    metrics: Metrics;
    throughput: Throughput;
    goodput?: Goodput;
    errors: ErrorGroup[];
    checks: { name: string; passes: number; fails: number }[];
  }

  /**
   * What a server's page of metrics says of a case: the difference of what it said just after the load and just before it, and what
   * its gauges showed in between. What the server does not tell is left out. Times are milliseconds.
   */
  export interface ServerPage {
    url: string;
    /** Such as "vllm". */
    kind?: string;
    models?: string[];
    /** Engines, ranks or models whose numbers are together. */
    engines?: number;
    /** Between the two pages. */
    window_s?: number;
    /** Pages in between. */
    polls: number;
    /** The server began anew during the case: differences are unknown. */
    restarted?: boolean;
    /** By name, such as running, waiting and kv_cache_pct. */
    gauges?: Record<string, { n: number; avg: number; min: number; max: number }>;
    /** `client`: requests that weir saw end. */
    requests?: { received?: number; finished?: number; failed?: number; finish_reasons?: Record<string, number>; client?: number };
    prompt_tokens?: ServerTokens;
    generation_tokens?: ServerTokens;
    /** Tokens; the rate is 0…1. */
    prefix_cache?: { queries?: number; hits?: number; rate?: number };
    preemptions?: number;
    speculative?: {
      drafts?: number;
      draft_tokens?: number;
      accepted_tokens?: number;
      /** Accepted / draft tokens, 0…1. */
      acceptance_rate?: number;
      /** Tokens a step: 1 + accepted / drafts. */
      mean_length?: number;
      per_position?: number[];
    };
    /** By name: ttft, itl, tpot, e2el, queue, prefill, decode, inference. */
    times_ms?: Record<string, { n?: number; sum: number; avg?: number; p50?: Estimate; p90?: Estimate; p95?: Estimate; p99?: Estimate }>;
    /** What the mean time to first token was made of. */
    ttft_parts?: {
      client: number;
      server?: number;
      queue?: number;
      prefill?: number;
      /** server − queue − prefill. */
      front_end?: number;
      /** client − what `rest_of` says: the network, proxies, and the client. */
      rest?: number;
      rest_of?: "server" | "queue+prefill" | "prefill";
    };
    /** What makes numbers doubtful. */
    notes?: string[];
    /** Why there is nothing, or not all of it. */
    error?: string;
  }

  /** As the server counts them, and the client. */
  export interface ServerTokens { tokens: number; per_second?: number; client?: number }

  /** A percentile from a histogram: the true one is between low and high (null: nobody knows how high). */
  export interface Estimate { value: number; low: number; high: number | null }

  /** What the client process used. What the system does not tell is left out. A share is 0…1. */
  export interface Client {
    /** How long it was watched. */
    wall_s: number;
    /** CPUs that it may use. */
    cpu_cores: number;
    gomaxprocs: number;
    /** CPUs that it used. */
    cpu_used_cores?: Usage;
    /** Share of those CPUs that ran anything at all. */
    cpu_busy_share?: Usage;
    cpu_others_share?: Usage;
    cpu_steal_share?: Usage;
    cpu_wait_share?: Usage;
    cpu_wait_ms?: Usage;
    cpu_wait_s?: number;
    cpu_pressure_share?: Usage;
    throttled_s?: number;
    gc_pause_ms?: { count: number; total: number; max: number };
    sched_latency_ms?: Tail;
    /** The longest wait for a JavaScript event loop in each 100 ms. */
    loop_lag_ms?: Tail;
    wake_lag_ms?: Tail;
    rss_mb?: number;
    open_files?: number;
    open_files_limit?: number;
  }

  /** Over the case, and in its worst second. */
  export interface Usage { avg: number; max: number }

  /** The upper end of a distribution. */
  export interface Tail { n: number; p99: number; max: number }

  /** Numbers of iterations and requests. */
  export interface Counts {
    /** Iterations that the executor wanted. */
    scheduled: number;
    started: number;
    /** Iterations that ended well. */
    completed: number;
    /** Iterations that threw. */
    iteration_failed: number;
    /** Iterations that were cut off when the time to stop had run out. */
    interrupted: number;
    /** Iterations that never started because the time was over, or because no VU was free. */
    dropped: number;
    /** Iterations that started late. */
    late: number;
    /** Requests that ended, in whatever way. */
    requests: number;
    requests_failed: number;
    /** Requests that were cut off with their iteration. */
    requests_interrupted: number;
    /** Requests that were sent again because a kept connection was dead. */
    requests_resent: number;
    /** Failed requests that were followed by another attempt. */
    requests_retried: number;
  }

  /** Totals of completed requests over the case's duration, per second. */
  export interface Throughput {
    requests: number;
    input_tokens: number;
    output_tokens: number;
    total_tokens: number;
  }

  /** How many requests were good: they completed and kept every SLO. */
  export interface Goodput {
    /** By latency, milliseconds. Of a case whose scenarios have different ones it is absent: see those of its `scenarios`. */
    slo?: Partial<Record<SLOName, number>>;
    /** Completed and failed requests that were held against SLOs. */
    requests: number;
    good: number;
    /** good / requests, 0…1; null: there were none. */
    share: number | null;
    /** Good requests over the case's duration. */
    per_second: number;
    /** Output tokens of good requests over the case's duration. */
    output_tokens_per_second: number;
    /** Requests by the SLO that they missed, perhaps several, and how many failed. */
    missed: { failed: number } & Partial<Record<SLOName, number>>;
  }

  /**
   * The straight line through the end-to-end latencies over the times at which
   * their requests were scheduled. A slope of 0.1 is 100 ms more each second: the
   * service is offered 10 % more than it serves.
   */
  export interface Growth {
    n: number;
    slope: number;
    stderr: number;
  }

  /** Failures of one kind and status, with the first one's message. */
  export interface ErrorGroup {
    scope: "request" | "iteration";
    kind: string;
    status?: number;
    count: number;
    message: string;
  }

  /** One threshold and whether the case kept it. */
  export interface ThresholdResult {
    /** With its tags, such as "ttft{rate:8}". */
    metric: string;
    expr: string;
    /** null: there were no samples, or it is on the verdict. */
    value: number | null;
    /** Of the value, such as "ms"; left out: it is a number or a share. */
    unit?: string;
    /** true: the value is a percentile of fewer samples than it takes to know it. */
    thin?: boolean;
    /** Of a threshold on `validity`: the case's. */
    verdict?: Verdict;
    ok: boolean;
    /** Why there is no value, or what ended the run. */
    note?: string;
  }

  /** The metrics of a case, by name; docs/metrics.md defines them. Own ones are among them. */
  export interface Metrics {
    /** Time to the first token, reasoning included. */
    ttft: Distribution;
    /** The same for requests whose first token was read together with a later part of the stream: an upper bound. */
    ttft_upper_bound: Distribution;
    /** Time to the first token that is not reasoning. */
    ttfo: Distribution;
    /** First token → second token event. */
    ttst: Distribution;
    /** (last token − first token) / (output tokens − 1). */
    tpot: Distribution;
    /** The same from the second token event on. */
    tpot_from_second: Distribution;
    /** (last token − first token) / output tokens. */
    decode_per_token: Distribution;
    /** Output tokens / (last token − first token), per second. */
    decode_speed: Distribution;
    /** Gaps between token events. */
    itl: Distribution;
    /** Those gaps that overlap no request's prefill. */
    itl_decode: Distribution;
    tokens_per_event: Distribution;
    /** Start → last token. */
    e2el: Distribution;
    response_head: Distribution;
    /** Scheduled time → start. */
    start_lag: Distribution;
    /** Arrival of a token event → weir reads it. */
    read_lag: Distribution;
    /** First byte → last byte of the request handed to the kernel. */
    upload_time: Distribution;
    /** How long requests waited because of their endpoint's `maxPrefill`. */
    prefill_wait: Distribution;
    ttft_from_schedule: Distribution;
    ttfo_from_schedule: Distribution;
    e2el_from_schedule: Distribution;
    input_tokens: Distribution;
    output_tokens: Distribution;
    reasoning_tokens: Distribution;
    cached_tokens: Distribution;
    dns_time: Distribution;
    connect_time: Distribution;
    tls_time: Distribution;
    request_bytes: Distribution;
    response_bytes: Distribution;
    http_req_duration: Distribution;
    http_req_waiting: Distribution;
    http_req_duration_from_schedule: Distribution;
    requests: CounterMetric;
    prompt_tokens: CounterMetric;
    generated_tokens: CounterMetric;
    request_failed: RateMetric;
    iteration_failed: RateMetric;
    checks: RateMetric;
    /** Only with SLOs; `result.goodput` has more. */
    goodput: GoodputMetric;
    [name: string]: Metric;
  }

  /** What a case tells of one metric; `kind` says which of them it is. */
  export type Metric = Distribution | CounterMetric | RateMetric | GaugeMetric | GoodputMetric;

  interface MetricBase {
    unit: string;
    /** Number of samples. */
    n: number;
    /** Made by the script. */
    custom?: boolean;
  }

  /** Samples of one quantity. Without samples `n` is 0 and the values are undefined. */
  export interface Distribution extends MetricBase {
    kind: "distribution";
    avg?: number;
    /** 95 % confidence interval of `avg`; left out where it is not known (docs/metrics.md#confidence). */
    avg_low?: number;
    avg_high?: number;
    min?: number;
    max?: number;
    std?: number;
    p50?: number;
    p75?: number;
    p90?: number;
    p95?: number;
    p99?: number;
    p999?: number;
    /** "exact", or "hdr": a histogram with at most 0.1 % error. */
    estimator?: "exact" | "hdr";
    /** The highest of these percentiles that there are enough samples for, such as 95; 0: not even p50. */
    supported?: number;
    /** The percentile q, 0…100; NaN without samples. */
    p(q: number): number;
  }

  /** A sum. */
  export interface CounterMetric extends MetricBase {
    kind: "counter";
    sum: number;
    /** Per second. */
    rate: number;
  }

  /** A share of samples. */
  export interface RateMetric extends MetricBase {
    kind: "rate";
    /** Share of true samples, 0…1. */
    rate?: number;
  }

  /** The requests that kept their SLOs. */
  export interface GoodputMetric extends MetricBase {
    kind: "goodput";
    /** Share of good requests, 0…1. */
    rate?: number;
    per_second: number;
    /** Requests that are not good. */
    missed: number;
  }

  /** A value that was set, and its extremes. */
  export interface GaugeMetric extends MetricBase {
    kind: "gauge";
    /** The last one set. */
    value: number;
    min?: number;
    max?: number;
  }

  /** weir's own settings of a run. */
  export interface Settings {
    runtimes: number;
    gomaxprocs: number;
    memory_limit_bytes?: number;
    /** "2/3" is the second of three. */
    instance?: string;
    source_ip?: string[];
    /** ms. */
    goodput?: Record<string, number>;
    records: boolean;
    /** `--repeat`. */
    repeat?: number;
    /** `--window`; left out: as the script says. */
    window?: Window;
    /** `--threshold`, as they were given. */
    thresholds?: string[];
    /** Every flag of the simulated service with its value. */
    sim?: Record<string, string>;
  }

  /** What became of the metrics that a run pushed to a service while it went on. */
  export interface Published {
    to: "prometheus" | "otlp";
    /** Without a login. */
    url: string;
    /** By which the run is found there: the label `run`, the attribute `service.instance.id`. */
    run: string;
    interval_s: number;
    /** That the service took. */
    pushes: number;
    /** That were given up. */
    failed: number;
    /** That were never sent, as too many waited. */
    dropped: number;
    /** The first failure. */
    error?: string;
  }

  /** A file that the run read. */
  export interface FileRead {
    kind: "params" | "tokenizer" | "dataset";
    path: string;
    bytes: number;
    /** RFC 3339. */
    modified: string;
    sha256?: string;
    /** Why there is no hash. */
    note?: string;
  }

  /** What a service said of itself. */
  export interface ServiceDescription {
    url: string;
    backend?: string;
    /** RFC 3339. */
    asked: string;
    /** Of the server, such as "vllm". */
    kind?: string;
    name?: string;
    version?: string;
    server?: string;
    models?: { name: string; max_model_len?: number; root?: string }[];
    limits?: { total_tokens?: number; input_tokens?: number; requests?: number };
    /** How it was started. */
    flags?: Record<string, string>;
    /** Of vLLM's cache_config_info. */
    cache?: Record<string, string>;
    /** Why there is nothing else, or not all. */
    error?: string;
  }

  /** The client's machine. What the system does not tell is left out; docs/environment.md says what each is. */
  export interface Environment {
    os: string;
    os_release?: string;
    arch: string;
    kernel?: string;
    kernel_command_line?: string;
    hostname?: string;
    /** "none", the hypervisor, or "unknown". */
    virtualization?: string;
    product?: string;
    /** That weir may run on. */
    cpus: number;
    cpu_model?: string;
    cpu?: {
      online?: number;
      sockets?: number;
      cores?: number;
      threads_per_core?: number;
      numa_nodes?: number;
      smt?: boolean;
      min_mhz?: number;
      max_mhz?: number;
      /** Of how many CPUs. */
      governors?: Record<string, number>;
      frequency_driver?: string;
    };
    memory?: {
      total_bytes?: number;
      available_bytes?: number;
      swap_total_bytes?: number;
      swap_free_bytes?: number;
      /** By their size in KiB. */
      huge_pages?: Record<string, number>;
      transparent_huge_pages?: string;
    };
    networks?: {
      name: string;
      state?: string;
      speed_mbit?: number;
      duplex?: string;
      mtu?: number;
      driver?: string;
      numa_node?: number;
      receive_queues?: number;
      packets?: number;
      errors?: number;
    }[];
    container?: { kind: string; known?: string };
    limits?: {
      open_files?: number;
      open_files_hard?: number;
      processes?: number;
      processes_hard?: number;
      locked_memory_bytes?: number;
      cpu_set?: string;
      cpu_quota?: number;
      memory_bytes?: number;
    };
    clock?: {
      source?: string;
      available?: string[];
      synchronized?: boolean;
      max_error_ms?: number;
      est_error_ms?: number;
      timezone?: string;
    };
    tcp?: {
      first_port?: number;
      last_port?: number;
      somaxconn?: number;
      tcp_max_syn_backlog?: number;
      tcp_tw_reuse?: number;
      tcp_fin_timeout?: number;
      tcp_slow_start_after_idle?: boolean;
      tcp_congestion_control?: string;
      default_qdisc?: string;
      tcp_rmem?: [number, number, number];
      tcp_wmem?: [number, number, number];
      rmem_max?: number;
      wmem_max?: number;
      ip_forward?: boolean;
      sockets?: number;
      time_wait?: number;
    };
    /** Versions. */
    ascend?: {
      driver?: string;
      driver_inner?: string;
      driver_status?: string;
      firmware?: string;
      cann?: string;
      cann_inner?: string;
      cann_path?: string;
      kernels?: string;
      atb?: string;
      atb_models?: string;
      mindie?: string;
    };
    nvidia_driver?: string;
    rocm?: string;
    amdgpu_driver?: string;
    device_files?: string[];
    variables?: Record<string, string>;
    runtimes: number;
    /** Base URL of the run's own simulator. */
    sim?: string;
  }

  /** The result of the run: what `handleSummary` is called with, and result.json. */
  export interface RunResult {
    schema: 1;
    weir: { version: string; commit?: string; go: string };
    script: { name: string; path: string; sha256: string };
    /** Without secrets. */
    params: Record<string, unknown>;
    /** Values that the script has given to parameters which left them open, such as a seed of -1. */
    chosen?: Record<string, string | number | boolean>;
    /** Names of secret parameters that were given. */
    secret_params?: string[];
    /** The command line, with … for secrets. */
    command?: string[];
    settings?: Settings;
    /** Files that were read. */
    files?: FileRead[];
    environment: Environment;
    /** What the services said of themselves that the script's endpoints send to. */
    services?: ServiceDescription[];
    /** RFC 3339. */
    started: string;
    /** null while the run goes on. */
    ended: string | null;
    interrupted: boolean;
    /** Why the run ended early. */
    error?: string;
    verdict: Verdict;
    cases: CaseResult[];
    /** Thresholds that no case has judged, as none has the tags that they name: they are not kept. */
    thresholds?: ThresholdResult[];
    /** The folder that relative paths of the command line started at. */
    directory?: string;
    /** Paths that the script has written to, as it said them. */
    written?: string[];
    /** By which the weir of the user who made the run knows it, for weir rerun. */
    seal?: string;
    /** What became of each service that metrics were pushed to (docs/publish.md). */
    published?: Published[];
    /** What was found before the load (options.doctor; docs/doctor.md). */
    doctor?: Finding[];
    /** The devices that were monitored (docs/telemetry.md). */
    devices?: import("weir/npu").Device[];
    /** What became of each source of telemetry. */
    monitors?: Monitor[];
  }

  export {}; // what has no export above is not there for scripts
}
