// The service of the scenarios that replace benchmark_serving.py and benchmark.py.
import { Endpoint } from "weir/llm";
import type { Tokenizer } from "weir/tokenizer";
import { generating, modelOf, requestOptions, type Requests } from "./requests";
import { schemeFlag, schemeOf, serviceFlags, serviceOptions, type Values } from "./service";

export const askedFlags = {
  backend: { default: "openai-chat", choices: generating, help: "protocol of the service" },
  ...serviceFlags,
  tokenizer: { type: "string", required: true, help: serviceFlags.tokenizer.help },
  ...schemeFlag,
} as const;

type Asked = Values<typeof askedFlags> & Requests & { readonly keepAlive: boolean; readonly timeout: number };

/** The endpoint that the flags describe. For init code. */
export function askedService(p: Asked, tokenizer: Tokenizer): Endpoint {
  return new Endpoint({
    ...serviceOptions(p, schemeOf(p, p.backend)),
    backend: p.backend,
    ...modelOf(p, p.backend),
    tokenizer,
    keepAlive: p.keepAlive,
    timeout: p.timeout,
    ...requestOptions(p, p.backend),
  });
}
