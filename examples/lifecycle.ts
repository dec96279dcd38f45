// The parts of a scenario, in the order in which they run.
//   weir run examples/lifecycle.ts --sim
import { params, type It, type RunResult } from "weir";
import http from "weir/http";
import { Endpoint } from "weir/llm";

const p = params({ url: { default: "http://127.0.0.1:8000", help: "base URL of the service" } });
const service = new Endpoint({ url: p.url, maxTokens: 8 });

export const options = { vus: 2, iterations: 6, warmup: 1, thresholds: { ttft: ["p(95)<5000"] } };

// Once, before any load. What it returns goes to default and teardown.
export async function setup() {
  const models = await http.get(`${p.url}/v1/models`);
  return { model: models.ok ? (models.json().data[0].id as string) : "" };
}

// An iteration.
export default async function (it: It, { model }: { model: string }) {
  await service.complete(`Count to ${it.index}.`, { model });
}

// Once, after all load.
export function teardown({ model }: { model: string }) {
  console.log(`asked ${model || "a model without a name"}`);
}

// What is printed and written at the end; files go into the run's folder.
export function handleSummary(result: RunResult) {
  const ttft = result.cases[0]!.metrics.ttft;
  return {
    stdout: `TTFT: ${ttft.n} requests, ${ttft.avg?.toFixed(1)} ms on average, p95 ${ttft.p(95).toFixed(1)} ms\n`,
    "summary.json": JSON.stringify(ttft),
  };
}
