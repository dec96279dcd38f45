// A conversation: every user asks, reads the answer, and asks again.
//   weir run examples/chat.ts --sim
import { group, params, sleep } from "weir";
import { Endpoint, type Message } from "weir/llm";
import { Counter, Trend } from "weir/metrics";

const p = params({
  url: { default: "http://127.0.0.1:8000", help: "base URL of the service" },
  model: { default: "", help: "name of the model" },
  users: { default: 2, help: "conversations at the same time" },
  turns: { default: 3, help: "questions of each conversation" },
  think: { default: "50ms", type: "duration", help: "pause before the next question" },
});

const service = new Endpoint({ url: p.url, model: p.model, maxTokens: 24 });
const turnLatency = new Trend("turn_latency", true);
const gaveUp = new Counter("gave_up");

export const options = { executor: "per-vu-iterations", vus: p.users, iterations: 1 };

export default async function () {
  const messages: Message[] = [{ role: "system", content: "Answer in one sentence." }];
  for (let turn = 1; turn <= p.turns; turn++) {
    messages.push({ role: "user", content: `Question ${turn}: what is ${turn} times ${turn}?` });
    const reply = await group(`turn ${turn}`, () => service.chat(messages));
    if (reply.error) {
      gaveUp.add(1);
      return;
    }
    turnLatency.add(reply.latency);
    messages.push({ role: "assistant", content: reply.text });
    await sleep(p.think / 1000);
  }
}
