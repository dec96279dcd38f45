// Conversations: each user asks, reads the answer, thinks, and asks again, with all that
// was said before. Prompts grow from turn to turn, and a service that keeps what it has
// computed (a prefix cache) has less to do.
import { check, group, params, sleep, type It, type Options } from "weir";
import { Endpoint, type Message } from "weir/llm";
import { Trend } from "weir/metrics";

const p = params({
  url: { default: "http://127.0.0.1:8000", help: "base URL of the service" },
  model: { default: "", help: "name of the model, as the service knows it" },
  apiKey: { default: "", secret: true, help: "sent as a bearer token" },
  users: { default: 4, help: "conversations at the same time" },
  conversations: { default: 2, help: "conversations of each user, one after another" },
  turns: { default: 4, help: "questions of each conversation" },
  think: { default: "2s", type: "duration", help: "mean pause before the next question" },
  maxTokens: { default: 64, help: "longest answer" },
});

const service = new Endpoint({ url: p.url, model: p.model, apiKey: p.apiKey, maxTokens: p.maxTokens });
// How long the first token takes in a later turn, beside ttft, which has all of them.
const laterTtft = new Trend("later_ttft", true);

export const options: Options = {
  executor: "per-vu-iterations", // an iteration is a conversation
  vus: p.users,
  iterations: p.conversations,
  expect: ["cached_prompts"], // that prompts begin alike is what this is about
  thresholds: { request_failed: "rate<0.01" },
};

const questions = ["What is a load test?", "And what is it good for?", "How long should one be?", "What would you measure first?", "Is there more to know?"];

export default async function (it: It) {
  const messages: Message[] = [{ role: "system", content: `You talk to user ${it.vu}, for the ${it.iterationInVU + 1}. time. Be brief.` }];
  for (let turn = 0; turn < p.turns; turn++) {
    if (turn > 0) await sleep((-Math.log(1 - Math.random()) * p.think) / 1000); // exponential, as pauses of many people are
    messages.push({ role: "user", content: questions[turn % questions.length] });
    // Requests of a group have its name as a tag: thresholds can be about "ttft{group:::turn 1}".
    const reply = await group(`turn ${turn + 1}`, () => service.chat(messages));
    if (!check(reply, { "answered": (r) => r.error === null })) return; // a conversation with a hole goes no further
    if (turn > 0 && reply.ttft !== null) laterTtft.add(reply.ttft);
    messages.push({ role: "assistant", content: reply.text });
  }
}
