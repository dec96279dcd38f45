// The times that services of AscendCloud-LLM tell of themselves in the usage of their
// answers, for the SERVER_ columns of benchmark_climbing.py.
import { invalidParams } from "weir";
import type { Item } from "weir/dataset";
import type { Endpoint, Reply, RequestOptions } from "weir/llm";
import { Trend } from "weir/metrics";

export const serverTimesFlags = {
  serverStatistics: { default: false, help: "fill the SERVER_ columns with what the service tells of itself in its answers (ttft, tpot and latency in usage); one request finds out first whether it does" },
} as const;

/** Names of the metrics, in the order of the columns. */
export const serverTimes = ["server_ttft", "server_tpot", "server_e2e"] as const;

export interface ServerTimes {
  /** Ends the run if the service does not tell them. */
  check(service: Endpoint, prompt: Item): Promise<void>;
  /** What a request says besides. */
  request(): RequestOptions;
  add(reply: Reply): void;
}

/** For init code. */
export function serverTimesOf(): ServerTimes {
  const [ttft, tpot, e2e] = serverTimes.map((name) => new Trend(name, true));
  // As in the script: by it the service's own log can be searched.
  const request = (): RequestOptions => ({ headers: { "x-span-id": crypto.randomUUID() } });
  return {
    request,
    async check(service, prompt) {
      const { error, serverTimes: told } = await service.complete(prompt, request());
      if (error) throw new Error(`the request that finds out about --server-statistics failed: ${error.message}`);
      const missing = (["ttft", "tpot", "latency"] as const).filter((name) => (told?.[name] ?? null) === null);
      if (missing.length > 0) invalidParams(`the service does not tell ${missing.join(", ")} in the usage of its answers: leave out --server-statistics`);
    },
    add({ error, serverTimes: told }) {
      if (error || !told) return;
      for (const [trend, ms] of [[ttft, told.ttft], [tpot, told.tpot], [e2e, told.latency]] as const) {
        if (ms !== null) trend.add(ms);
      }
    },
  };
}
