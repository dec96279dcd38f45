// A case that ends, and one that has to be interrupted.
import { Endpoint } from "weir/llm";

const service = new Endpoint({ backend: "openai-chat", url: "http://127.0.0.1:8000", model: "sim" });

export function* plan() {
  yield { name: "first", executor: "shared-iterations", vus: 2, iterations: 6 };
  yield { name: "second", executor: "constant-vus", vus: 2, duration: "10m" };
}

export default async function () {
  await service.complete("a prompt", { maxTokens: 8 });
}
