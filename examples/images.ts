// Prompts with images: random noise of several sizes, or your own pictures. Images are encoded before the case starts, and
// a request takes them as they are, so that they cost the measurement next to nothing.
//   weir run examples/images.ts --sim
//   weir run examples/images.ts --sim --pictures ~/photos
import { params, type Case, type CaseResult, type It } from "weir";
import { Endpoint } from "weir/llm";
import { Tokenizer } from "weir/tokenizer";
import { imageFiles, images, synthetic, withMedia, type Dataset, type MediaItem } from "weir/dataset";

const p = params({
  url: { default: "http://127.0.0.1:8000", help: "base URL of the service" },
  model: { default: "", help: "name of the model" },
  tokenizer: { default: "builtin", help: "folder with the model's tokenizer.json" },
  pictures: { default: "", help: "folder with images, or a dataset (.json, .jsonl) that names them; without it they are random noise" },
  requests: { default: 8, help: "requests to send" },
});

const tokenizer = new Tokenizer(p.tokenizer);
const service = new Endpoint({ url: p.url, model: p.model, ignoreEos: true });

export function* plan(): Generator<Case, void, CaseResult> {
  const prompts = synthetic({ tokenizer, count: p.requests, input: 50, output: 16 });
  const pictures = p.pictures
    ? imageFiles(p.pictures)
    : images({ count: 2 * p.requests, sizes: [[256, 256], [320, 240]] }); // in turn: a request has one of each
  yield { vus: 4, iterations: p.requests, data: withMedia(prompts, pictures, { perPrompt: 2 }) };
}

export default async function (it: It<Dataset<MediaItem>>) {
  const { messages, outputTokens } = it.item!;
  await service.chat(messages, { maxTokens: outputTokens });
}
