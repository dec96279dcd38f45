// The smallest scenario: one request.
//   weir run examples/hello.ts --url http://127.0.0.1:8000
import { params } from "weir";
import { Endpoint } from "weir/llm";

const p = params({
  url: { default: "http://127.0.0.1:8000", help: "base URL of the service" },
  model: { default: "", help: "name of the model" },
});

const service = new Endpoint({ url: p.url, model: p.model });

export default async function () {
  const reply = await service.complete("Why is the sky blue?", { maxTokens: 32 });
  console.log(reply.error ? `failed: ${reply.error.message}` : reply.text);
}
