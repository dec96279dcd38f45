// A scenario with a simulated service of its own: for trying an idea, or for
// seeing how a number reacts to the service's speed.
//   weir run examples/simulator.ts --itl 20ms
import { params } from "weir";
import { Endpoint } from "weir/llm";
import { Simulator } from "weir/sim";

const p = params({
  ttft: { default: "30ms", type: "duration", help: "time to the first token" },
  itl: { default: "5ms", type: "duration", help: "time between tokens" },
});

const sim = new Simulator({ ttft: p.ttft, itl: p.itl, itlSlope: 0, prefillRate: 0, jitter: 0 });
const service = new Endpoint({ url: sim.url, maxTokens: 16, ignoreEos: true });

export const options = { vus: 2, iterations: 6 };

export default async function () {
  await service.complete("Tell me about weirs.");
}
