// Requests that fail, thresholds that are not kept, and names that are no HTML.
import { check } from "weir";
import { Endpoint } from "weir/llm";

const service = new Endpoint({ backend: "openai-chat", url: "http://127.0.0.1:8000", model: "sim" });

export const options = { thresholds: { ttft: ["p(99)<1", "avg<60000"], request_failed: ["rate<0.01"] }, slo: { ttft: 60000 } };

export function* plan() {
  for (const rate of [20, 40]) {
    yield {
      name: `rate ${rate} <script>document.title = "broken"</script><img src=x>`, tags: { rate, note: "</td>\"'&amp;" },
      executor: "arrival-rate", rate, process: "constant", duration: "1500ms",
    };
  }
}

export default async function () {
  const reply = await service.complete("a <b>prompt</b>", { maxTokens: 12 });
  check(reply, { "ended by <length>": (r) => r.finishReason === "length" });
}
