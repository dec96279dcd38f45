/** Accelerators — NPUs, GPUs — and hosts: which there are, and what they do. */
declare module "weir/npu" {
  import type { Duration } from "weir";

  /** Which devices are meant. */
  export interface Options {
    /**
     * How they are read: `"auto"` (what is found), `"npu-smi"`, `"npu-smi-usages"` (which asks each card, for more values),
     * `"nvidia-smi"`, `"rocm-smi"`, `"amd-smi"`, `"hy-smi"`, `"host"` (its CPU, memory and power), or the URL of an
     * exporter's page, such as `"http://10.0.0.5:8082/metrics"`. Default: `"auto"`.
     */
    source?: string | string[];
    /** Other hosts, whose tools are run by your own `ssh` (it must need no password). Left out: this machine. */
    hosts?: string | string[];
    /**
     * Tell only of some devices, as `--devices` names them: `"0-3"`, `"npu:0,2"`, `"gpu"`, `"npu:0-7@host1"`. Default: all.
     * Whose energy counts in the result is said by the run's own `--devices`.
     */
    devices?: string;
  }

  /** Which devices `monitor` watches, and how often. */
  export interface MonitorOptions extends Options {
    /** Time between two readings, at least 100 ms; below 1 s npu-smi is called for each, which costs more. Default: 1 s. */
    interval?: Duration;
  }

  /** A process that uses a device. */
  export interface Process {
    pid: number;
    pid_in_container?: number;
    name?: string;
    /** MiB. */
    memory_mib?: number;
  }

  /** A device: a chip, of which a card of an Atlas A3 has two, or a host. What nobody tells is absent. */
  export interface Device {
    /** The host as `hosts` names it; absent: this machine. */
    host?: string;
    kind: "npu" | "gpu" | "host";
    /** What ASCEND_RT_VISIBLE_DEVICES or CUDA_VISIBLE_DEVICES count: the logical id, from 0. */
    index: number;
    /** Of the card, as the tool names it. */
    id?: string;
    /** Number on the card. */
    chip?: number;
    logic_id?: number;
    phy_id?: number;
    name?: string;
    bus?: string;
    serial?: string;
    /** As the tool says: OK, Warning, Alarm, Critical, UNKNOWN, … */
    health?: string;
    memory_kind?: "HBM" | "DDR" | "VRAM" | "RAM";
    /** Size of the memory, MiB. */
    memory_mib?: number;
    /** Versions of the driver, the firmware, and the tool that told. */
    driver?: string;
    firmware?: string;
    tool?: string;
    /** Such as "npu-smi", "npu-smi@user@host". */
    source: string;
    processes?: Process[];
  }

  /** What devices measure. The name ends in the unit: W, J, °C, percent, MiB, MHz, V. */
  export type Quantity =
    | "power_w"
    | "energy_j"
    | "temperature_c"
    | "memory_temperature_c"
    | "utilization_pct"
    | "aicore_pct"
    | "aicube_pct"
    | "aivector_pct"
    | "aicpu_pct"
    | "ctrlcpu_pct"
    | "sm_pct"
    | "tensor_pct"
    | "memory_used_mib"
    | "memory_total_mib"
    | "memory_pct"
    | "memory_bandwidth_pct"
    | "memory_activity_pct"
    | "clock_mhz"
    | "voltage_v"
    | "cpu_pct";

  /** A device at a moment. */
  export interface Sample {
    source: string;
    host?: string;
    kind: "npu" | "gpu" | "host";
    index: number;
    health?: string;
    /** When the values were taken, ms since 1970. */
    at: number;
    /** What the device told; what it does not tell is absent. */
    values: { [Q in Quantity]?: number };
  }

  /** A view of the devices that the run watches. */
  export interface Monitor {
    /** The names of its sources. */
    readonly sources: string[];
    /**
     * The last reading of each device. It costs nothing: no tool is run. Sampling begins with the first case, so it is
     * empty in init code, and of a source that has not answered yet.
     */
    latest(): Sample[];
  }

  /** Which devices there are. It runs the tools; rejects when one of them cannot tell. */
  export function list(options?: Options): Promise<Device[]>;

  /**
   * One reading of each device, at once. It runs the tools, which takes a second or more where there are many chips; in
   * iterations use a monitor's `latest()`. Rejects when one of the sources cannot be read.
   */
  export function sample(options?: Options): Promise<Sample[]>;

  /**
   * Watches devices during the whole run, as `--monitor` does: what they did in each case is in its result, and in the
   * file of samples. Call it in init code; equal options are one monitor, whatever the number of JavaScript runtimes.
   * A tool that is not there or fails does not end the run: it is told at once, and stands in the result.
   *
   *     const npus = monitor({ source: "npu-smi", interval: "1s" });
   *     // in an iteration or in plan:
   *     const hottest = Math.max(...npus.latest().map((d) => d.values.temperature_c ?? 0));
   */
  export function monitor(options?: MonitorOptions): Monitor;

  const npu: { list: typeof list; sample: typeof sample; monitor: typeof monitor };
  export default npu;
}
