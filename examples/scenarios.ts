// Two kinds of users at the same time: people who chat, and a job that works
// through a list. Each has its own load, function and numbers.
//   weir run examples/scenarios.ts --sim
import { params, type It, type Options, type RunResult } from "weir";
import { Endpoint } from "weir/llm";

const p = params({
  url: { default: "http://127.0.0.1:8000", help: "base URL of the service" },
  model: { default: "", help: "name of the model" },
  rate: { default: 40, help: "questions per second" },
});

const service = new Endpoint({ url: p.url, model: p.model });

export const options: Options = {
  scenarios: {
    chat: { executor: "arrival-rate", rate: p.rate, process: "poisson", iterations: 40, exec: "chat" },
    batch: { executor: "shared-iterations", vus: 2, iterations: 10, startTime: "200ms", exec: "batch", data: ["one text", "another text"] },
  },
  // A service that has broken down is not worth the rest of the run.
  thresholds: {
    "ttft{scenario:chat}": ["p(95)<2000"],
    request_failed: [{ threshold: "rate<0.5", abortOnFail: true, delayAbortEval: "500ms" }],
  },
};

export async function chat() {
  await service.complete("Why is the sky blue?", { maxTokens: 16 });
}

export async function batch(it: It<string[]>) {
  await service.complete(`Summarise: ${it.item}`, { maxTokens: 64 });
}

export function handleSummary(result: RunResult) {
  const scenarios = result.cases[0]!.scenarios!;
  const lines = Object.entries(scenarios).map(([name, s]) => `${name}: ${s.counts.requests} requests, p95 of TTFT ${s.metrics.ttft.p(95).toFixed(1)} ms`);
  return { stdout: lines.join("\n") + "\n" };
}
