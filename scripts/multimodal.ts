// The multimodal benchmark: fixed prompt length, image size, output length and
// concurrency → throughput and first-token latency. It takes the flags of the
// AscendCloud-LLM script modal_benchmark_parallel.py and writes its CSV; what
// differs on purpose is in docs/ascend.md.
import { invalidParams, params, type Case, type CaseResult, type It, type Options } from "weir";
import { Endpoint } from "weir/llm";
import { Tokenizer } from "weir/tokenizer";
import { images, synthetic, withMedia, type Dataset, type MediaItem } from "weir/dataset";
import { parallelCells, parallelColumns } from "weir/lib/ascend";
import { named } from "./parts/checks";
import { sayInexact } from "./parts/made";
import { checkFlags, loadFlags, sweep, tableFlags, type Point } from "./parts/parallel";
import { plainSchemeFlag, serviceFlags, serviceOptions } from "./parts/service";

const p = params({
  ...serviceFlags,
  ...plainSchemeFlag,
  height: { default: 256, help: "height of the images, pixels" },
  width: { default: 256, help: "width of the images, pixels" },
  imageFormat: { default: "jpeg", choices: ["jpeg", "png"] as const, help: "format of the images, which are random noise" },
  imagesPerPrompt: { default: 1, help: "images in each request" },
  sameImage: { default: false, help: "one image for all requests of a case, as modal_benchmark_parallel.py does" },
  samePrompt: { default: false, help: "one prompt for all requests of a case, as modal_benchmark_parallel.py does" },
  ...loadFlags,
  ...tableFlags,
  seed: { default: -1, help: "of the prompts, of the images and of the gaps; -1: another one for each run, which it names, so that none finds the prompts of an earlier one in the cache; several instances must be given the same" },
  keepAlive: { default: true, help: "reuse connections; --no-keep-alive opens one for each request, as modal_benchmark_parallel.py does" },
  pause: { default: "0s", type: "duration", help: "wait between cases; modal_benchmark_parallel.py waits 10s" },
  timeout: { default: "3h", type: "duration", help: "limit of one request" },
  warmup: { default: 4, help: "requests before the first case that are not counted" },
});

checkFlags(p);
checkImages();
named({ "--benchmark-csv": p.benchmarkCsv });

const shape = `${p.height},${p.width}`;
const asked = { backend: "openai-chat", temperature: 0, topK: -1, topP: 1 };

const tokenizer = new Tokenizer(p.tokenizer);
const service = new Endpoint({
  ...serviceOptions(p, p.scheme),
  backend: asked.backend,
  tokenizer,
  temperature: asked.temperature,
  ignoreEos: true,
  keepAlive: p.keepAlive,
  timeout: p.timeout,
});

export const options: Options = { doctor: true, setupTimeout: "24h" }; // large datasets take long to read and to make

export function plan(): Generator<Case, void, CaseResult> {
  return sweep(p, {
    columns: parallelColumns(p.csvLayout, { shape: p.csvLayout === "6.3" ? "图片尺寸" : "Image_Shape", percentile: "P" }),
    load: (point) => ({
      tags: { prompt_tokens: point.promptTokens, output_tokens: point.outputTokens, parallel: point.parallel, image_shape: shape, images: p.imagesPerPrompt },
      data: data(point),
      // Where prompts are to be found in the prefix cache, finding them is no fault.
      expect: p.samePrompt ? ["cached_prompts"] : [],
    }),
    row: (point, result) => parallelCells(p.csvLayout, point, result, asked, shape),
  });
}

export default async function (it: It<Dataset<MediaItem>>): Promise<void> {
  const { messages, outputTokens } = it.item!;
  await service.chat(messages, { maxTokens: outputTokens });
}

// data are the prompts and images of a case; the warm-up takes those at the end.
function data({ promptTokens, outputTokens, requests, warmup, seed }: Point): Dataset<MediaItem> {
  const count = requests + warmup;
  const prompts = sayInexact(synthetic({ tokenizer, count, input: promptTokens, output: outputTokens, same: p.samePrompt, seed }), promptTokens);
  const noise = images({ count: count * p.imagesPerPrompt, width: p.width, height: p.height, format: p.imageFormat, same: p.sameImage, seed });
  return withMedia(prompts, noise, { perPrompt: p.imagesPerPrompt });
}

function checkImages(): void {
  for (const [flag, n] of [["--height", p.height], ["--width", p.width]] as const) {
    if (!Number.isInteger(n) || n < 1 || n > 65535) {
      invalidParams(`${flag} must be a whole number of pixels from 1 to 65535, got ${n}`);
    }
  }
  if (p.height * p.width > 64 * 2 ** 20) {
    invalidParams(`--height ${p.height} and --width ${p.width} are too large: an image may have ${64 * 2 ** 20} pixels, such as 8192 by 8192`);
  }
  if (!Number.isInteger(p.imagesPerPrompt) || p.imagesPerPrompt < 1 || p.imagesPerPrompt > 1000) {
    invalidParams(`--images-per-prompt must be a whole number from 1 to 1000, got ${p.imagesPerPrompt}`);
  }
}
