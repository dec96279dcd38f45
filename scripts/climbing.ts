// The climbing benchmark: connections that become more in steps, at one service after
// another → throughput and latencies. It takes the flags of the AscendCloud-LLM script
// benchmark_climbing.py and writes its summary CSV; what differs on purpose is in
// docs/ascend.md.
import { params, type Case, type CaseResult, type It, type Options } from "weir";
import type { Dataset } from "weir/dataset";
import { Tokenizer } from "weir/tokenizer";
import { checkSeed, wholeNumbers } from "./parts/checks";
import { checkClimbing, climbing, climbingFlags } from "./parts/climbing";
import { checkProfile, profileFlags } from "./parts/profiling";
import { seedFlag } from "./parts/seed";
import { checkService, schemeFlag, serviceFlags } from "./parts/service";
import { checkSpeculation, speculationFlags, speculationOptions } from "./parts/speculation";

const p = params({
  backend: { default: "openai-chat", choices: ["openai-chat", "openai"] as const, help: "protocol of the services" },
  ...serviceFlags,
  ...schemeFlag,
  concurrencies: { default: [1, 8, 16, 32, 64, 96, 128], help: "connections that are kept busy, one case each" },
  promptTokens: { default: [128, 256, 512, 1024, 2048, 4096, 5600], help: "prompt lengths in tokens, paired with --output-tokens" },
  outputTokens: { default: [128, 256, 512, 1024, 2048, 4096, 5600], help: "output lengths in tokens, paired with --prompt-tokens" },
  ...climbingFlags,
  temperature: { default: 0.6, help: "sampling temperature" },
  topP: { default: 1, help: "nucleus sampling; 1 leaves it out of the request" },
  topK: { default: -1, help: "top-k sampling; 0 or less leaves it out of the request" },
  ignoreEos: { default: true, help: "have the service make as many tokens as are asked for; --no-ignore-eos for one that refuses that, or for answers of their own length" },
  numSchedulerSteps: { default: 1, help: "tokens that the service sends at once (multi-step scheduling); one request finds out first whether it does" },
  ...speculationFlags,
  ...profileFlags,
  ...seedFlag,
  keepAlive: { default: true, help: "reuse connections; --no-keep-alive opens one for each request, as benchmark_climbing.py does" },
  pause: { default: "0s", type: "duration", help: "wait between cases" },
  timeout: { default: "5h", type: "duration", help: "limit of one request" },
  warmup: { default: 8, help: "requests of 128 tokens in and out before the first case of each service, 4 at once, which are not counted" },
});

checkService(p);
checkSpeculation(p, p.backend);
checkProfile(p);
checkSeed(p.seed);
wholeNumbers(1, { "--num-scheduler-steps": p.numSchedulerSteps });
checkClimbing(p, "--concurrencies");

const climb = climbing(p, new Tokenizer(p.tokenizer), {
  temperature: p.temperature,
  ...(p.topP < 1 ? { topP: p.topP } : {}),
  ...(p.topK > 0 ? { topK: p.topK } : {}),
  ignoreEos: p.ignoreEos,
  keepAlive: p.keepAlive,
  timeout: p.timeout,
  ...(p.numSchedulerSteps > 1 ? { continuousUsage: true } : {}),
  ...speculationOptions(p),
});

export const setup = (): Promise<void> => climb.setup();

export const options: Options = { doctor: true, setupTimeout: "24h" }; // large datasets take long to read and to make

export const plan = (): Generator<Case, void, CaseResult> => climb.plan();

export default (it: It<Dataset>): Promise<void> => climb.iterate(it);
