// What cmd/bench plays to learn what an iteration costs besides its requests.
import { params, type Case, type It } from "weir";
import { Endpoint, type Message } from "weir/llm";

const p = params({
  url: { default: "http://127.0.0.1:8000", help: "base URL of the service" },
  kind: { default: "empty", choices: ["empty", "request", "turns"] as const, help: "what an iteration does" },
  vus: { default: 32, help: "iterations at the same time" },
  duration: { default: "3s", type: "duration", help: "how long iterations are started" },
});

const service = new Endpoint({ url: p.url, model: "sim", maxTokens: 1, ignoreEos: true });

export function* plan(): Generator<Case> {
  yield { name: p.kind, exec: p.kind, executor: "constant-vus", vus: p.vus, duration: p.duration };
}

export function empty(): void {}

export async function request(): Promise<void> {
  await service.complete("Why is the sky blue?");
}

// A conversation of four turns, each with all that was said before.
export async function turns(it: It): Promise<void> {
  const messages: Message[] = [{ role: "system", content: "You are brief." }];
  for (let turn = 0; turn < 4; turn++) {
    messages.push({ role: "user", content: `Question ${turn} of user ${it.vu}: why is the sky blue?` });
    const reply = await service.chat(messages);
    messages.push({ role: "assistant", content: reply.text });
  }
}
