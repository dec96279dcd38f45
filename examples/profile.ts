// Profiles one case of several: the service writes a trace of the case with the most
// requests at once. It must have been started with a profiler (docs/profiling.md).
//   weir run examples/profile.ts --url http://127.0.0.1:8000 --vus 1 8 64
//   weir run examples/profile.ts --sim --sim-profile-dir traces
import { params, type Case, type CaseResult } from "weir";
import { Endpoint } from "weir/llm";
import { vllm } from "weir/profile";

const p = params({
  url: { default: "http://127.0.0.1:8000", help: "base URL of the service" },
  vus: { default: [1, 4], help: "requests at the same time, one case each; the last one is profiled" },
});

const service = new Endpoint({ url: p.url, maxTokens: 16 });
const profiler = vllm({ url: p.url });

export function* plan(): Generator<Case, void, CaseResult> {
  for (const [i, vus] of p.vus.entries()) {
    const last = i === p.vus.length - 1;
    // The warm-up is not in the trace.
    const result = yield { name: `${vus} at once`, vus, iterations: 4 * vus, warmup: 2, profile: last ? profiler : null };
    for (const trace of result.profile ?? []) console.log(`${result.name}: ${trace.error ?? `profiled by ${trace.profiler} at ${trace.target}`}`);
  }
}

export default async function () {
  await service.complete("Tell me about weirs.");
}
