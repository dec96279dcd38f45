// What cmd/bench plays to see whether iterations start when they shall.
import { params, type Case } from "weir";
import http from "weir/http";

const p = params({
  url: { default: "http://127.0.0.1:8000", help: "base URL of the service" },
  rate: { default: 100, help: "starts per second" },
  seconds: { default: 5, help: "how long iterations are started" },
});

export function* plan(): Generator<Case> {
  yield { name: "starts", executor: "arrival-rate", rate: p.rate, process: "constant", duration: p.seconds * 1000 };
}

export default async function (): Promise<void> {
  await http.get(`${p.url}/health`);
}
