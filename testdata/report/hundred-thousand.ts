// As many requests as a report has to bear.
import { Endpoint } from "weir/llm";

const service = new Endpoint({ backend: "openai-chat", url: "http://127.0.0.1:8000", model: "sim" });

export const options = { scenarios: { all: { executor: "shared-iterations", vus: 64, iterations: 100_000 } } };

export default async function () {
  await service.complete("a prompt", { maxTokens: 6 });
}
