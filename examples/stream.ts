// A protocol of one's own: weir/http gives the events of any stream, with the
// times at which they arrived.
//   weir run examples/stream.ts --sim
import { check, params } from "weir";
import http from "weir/http";
import { Trend } from "weir/metrics";

const p = params({
  url: { default: "http://127.0.0.1:8000/v1/completions", help: "URL of the requests" },
  tokens: { default: 8, help: "tokens to ask for" },
});

const firstEvent = new Trend("first_event", true);

export const options = { vus: 2, iterations: 4 };

export default async function () {
  let events = 0;
  const body = { prompt: "Once upon a time", max_tokens: p.tokens, ignore_eos: true, stream: true };
  for await (const event of http.stream(p.url, { body })) {
    if (event.data === "[DONE]") break;
    if (events++ === 0) firstEvent.add(event.at);
  }
  check(events, { "an event for each token": (n) => n >= p.tokens });
}
