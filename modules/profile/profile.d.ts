/** Profilers that run during the load of chosen cases; see docs/profiling.md. */
declare module "weir/profile" {
  import type { Duration, ProfileRequests, Reach } from "weir";

  /**
   * A profiler, for a case's option `profile`. It is started just before the load and stopped
   * just after it. One that cannot be started ends the run. It may be given to any number of cases.
   */
  export interface Profiler {
    /** The profilers that it stands for, such as "vllm at http://127.0.0.1:8000": one for each node. */
    readonly profiles: string[];
  }

  /** How a service is asked: as by an Endpoint of weir/llm. */
  export interface Access extends Reach, Pick<ProfileRequests, "apiKey" | "appCode" | "authToken" | "headers" | "timeout" | "trace"> {}

  /** The service whose own profiler is started. */
  export interface ServiceOptions extends Access {
    /**
     * The service, or all its nodes: where prefill and decode are apart, each has to be asked itself. What follows
     * the host in a URL is left out; for a profiler behind a path of a gateway there is `http`.
     */
    url: string | readonly string[];
  }

  /** The options of `vllm`. */
  export interface VLLMOptions extends ServiceOptions {
    /** Sent as `?level=…` with the start, for the services of the AscendCloud-LLM packages. Default: none is sent. */
    level?: "Level_none" | "Level0" | "Level1" | "Level2";
  }

  /** POST /start_profile and /stop_profile of vLLM and vLLM-Ascend. */
  export function vllm(options: VLLMOptions): Profiler;

  /** The options of `sglang`. */
  export interface SGLangOptions extends ServiceOptions {
    /** Folder of the service for the trace. Default: that of its SGLANG_TORCH_PROFILER_DIR. */
    outputDir?: string;
    /** Forward steps after which the service ends the profile itself. Default: when the load ends. */
    numSteps?: number;
    /** What is recorded, such as ["CPU", "GPU"]. Default: the service's. */
    activities?: readonly string[];
  }

  /** POST /start_profile and /stop_profile of SGLang. */
  export function sglang(options: SGLangOptions): Profiler;

  /** The options of `http`: the requests, and how the service is reached. */
  export interface HTTPOptions extends ProfileRequests, Reach {}

  /** Any two requests that start and stop a profiler. */
  export function http(options: HTTPOptions): Profiler;

  /** The options of `msServiceProfiler`. */
  export interface MSServiceProfilerOptions {
    /** The file that the service was started with as SERVICE_PROF_CONFIG_PATH. Its `enable` is 1 during the load, and 0 otherwise. */
    config: string;
    /** Until the service has seen that the file has changed. Default: 3 seconds. */
    settle?: Duration;
    /** Where the data will be, for the result. Default: the file's `prof_dir`. */
    trace?: string;
  }

  /** MS Service Profiler, of MindIE and vLLM-Ascend, which is switched by a file. */
  export function msServiceProfiler(options: MSServiceProfilerOptions): Profiler;

  interface CommandCommon {
    /** Folder that the program runs in. Default: weir's. */
    cwd?: string;
    /** Variables besides those of weir's own environment. */
    env?: Record<string, string>;
    /** How long the program may take to end: after the interrupt, or by itself. Then it is killed, with what it has started. Default: 30 minutes. */
    timeout?: Duration;
    /** Where the trace will be, for the result. */
    trace?: string;
    /** Its name in the result. Default: the program's. */
    name?: string;
  }

  /** A program that profiles for as long as it runs. */
  export interface RunningCommand extends CommandCommon {
    /** A program that runs during the load, such as ["py-spy", "record", "-o", "trace.svg", "--pid", "123"]. It is ended by SIGINT, and waited for. */
    run: readonly string[];
    /** How long it must have run before the load begins. Default: 1 second. */
    settle?: Duration;
  }

  /** Two programs, of which one starts a profiler and the other stops it. */
  export interface StartStopCommands extends CommandCommon {
    /** A program that starts the profiler, and ends. */
    start: readonly string[];
    /** A program that stops it. */
    stop: readonly string[];
  }

  /** Programs of this machine (or of another, by ssh). A program is a list of its name and its arguments, which no shell reads. */
  export function command(options: RunningCommand | StartStopCommands): Profiler;

  const all: {
    vllm: typeof vllm;
    sglang: typeof sglang;
    http: typeof http;
    msServiceProfiler: typeof msServiceProfiler;
    command: typeof command;
  };
  export default all;
}
