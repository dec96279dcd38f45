// Conversations that go on from one iteration to the next: each virtual user
// keeps its history in it.state, thinks for a while, and begins anew after some
// turns. An iteration is one turn, so the load engine decides how many of them
// there are, and for how long. weir run multi-turn measures conversations, turn
// by turn.
//   weir run examples/multi-turn.ts --sim --duration 10s
import { params, sleep, type It } from "weir";
import { Endpoint, type Message } from "weir/llm";
import { Trend } from "weir/metrics";

const p = params({
  url: { default: "http://127.0.0.1:8000", help: "base URL of the service" },
  model: { default: "", help: "name of the model" },
  users: { default: 3, help: "conversations at the same time" },
  turns: { default: 4, help: "questions before a user begins a new conversation" },
  think: { default: "20ms", type: "duration", help: "mean pause before a question" },
  duration: { default: "1s", type: "duration", help: "how long questions are asked" },
});

const service = new Endpoint({ url: p.url, model: p.model, maxTokens: 16 });
const turn = new Trend("turn", "turns");

export const options = { executor: "constant-vus", vus: p.users, duration: p.duration };

interface Conversation { messages: Message[]; turn: number }

export default async function (it: It<undefined, Conversation>) {
  const talk = it.state;
  if (!talk.messages || talk.turn === p.turns) {
    talk.messages = [{ role: "system", content: `You talk to user ${it.vu}. Answer in one sentence.` }];
    talk.turn = 0;
  }
  // Thinking times are exponential, as those of many people.
  await sleep((-Math.log(1 - Math.random()) * p.think) / 1000);
  talk.messages.push({ role: "user", content: `And what is ${it.iterationInVU} plus one?` });
  const reply = await service.chat(talk.messages);
  if (reply.error) {
    talk.messages = undefined; // a conversation with a hole in it goes no further
    return;
  }
  talk.messages.push({ role: "assistant", content: reply.text });
  talk.turn = (talk.turn ?? 0) + 1;
  turn.add(talk.turn);
}
