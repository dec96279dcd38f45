// Questions from a file, asked by several users one after another, as in a chat.
import { check, params, type It, type Options } from "weir";
import { read, type Dataset, type RecordedItem } from "weir/dataset";
import { Endpoint } from "weir/llm";
import { Trend } from "weir/metrics";

const p = params({
  url: { default: "http://127.0.0.1:8000", help: "base URL of the service" },
  model: { default: "", help: "name of the model, as the service knows it" },
  apiKey: { default: "", secret: true, help: "sent as a bearer token" },
  questions: { default: "questions.jsonl", help: "file with the questions: an object with a prompt in each line, or another format that weir reads" },
  users: { default: 4, help: "questions at the same time" },
  requests: { default: 40, help: "questions in all" },
  maxTokens: { default: 64, help: "longest answer" },
});

const questions = read(p.questions);
const service = new Endpoint({ url: p.url, model: p.model, apiKey: p.apiKey, maxTokens: p.maxTokens });

// A metric of your own, beside those that weir takes of every request.
const answerLength = new Trend("answer_length", "characters");

export const options: Options = {
  executor: "shared-iterations",
  vus: p.users,
  iterations: p.requests,
  data: questions, // begun again at its end
  warmup: 2,
  thresholds: {
    request_failed: "rate<0.01",
    ttft: "p(95)<5000",
    checks: "rate>0.95",
  },
};

export default async function (it: It<Dataset<RecordedItem>>) {
  const reply = await service.chat([
    { role: "system", content: "You are a helpful assistant. Answer in one or two sentences." },
    { role: "user", content: it.item!.prompt },
  ]);
  if (reply.error) return; // it is counted as a failed request already
  check(reply, {
    "there is an answer": (r) => r.text.trim() !== "",
    "it came to an end": (r) => r.finishReason !== null,
  });
  answerLength.add(reply.text.length);
}
