// The services of a providers.yaml, as the later AscendCloud-LLM scripts have it.
import { invalidParams, parseYAML } from "weir";
import type { EndpointOptions } from "weir/llm";
import { serviceOptions, type Service } from "./service";

export interface Provider {
  name: string;
  /** Of the model, for names of files. */
  category: string;
  endpoint: EndpointOptions;
}

export interface Providers {
  /** At least one. */
  list: Provider[];
  /** Entries that are left out, and why. */
  ignored: string[];
}

// Without all of these an entry is left out, as the scripts do.
const needed = ["api_key", "base_url", "model_name"] as const;

/** The services of a file; without one the service that the flags name. For init code. */
export function readProviders(path: string, p: Service): Providers {
  const common = serviceOptions(p, "http");
  if (path === "") {
    return { list: [{ name: "service", category: String(common.model || "model"), endpoint: common }], ignored: [] };
  }
  const wrong = (what: string): never => invalidParams(`--providers-path ${path}: ${what}`);
  let document: unknown;
  try {
    document = parseYAML(open(path));
  } catch (error) {
    return wrong((error as Error).message);
  }
  const entries = (document as { providers?: unknown } | null)?.providers;
  if (!Array.isArray(entries)) return wrong("it has no list of providers, such as providers: [{ name, api_key, base_url, model_name, model_category }]");

  const list: Provider[] = [];
  const ignored: string[] = [];
  for (const [i, entry] of entries.entries()) {
    if (entry === null || typeof entry !== "object" || Array.isArray(entry)) return wrong(`provider ${i + 1} is no map of name, api_key, base_url, model_name, model_category`);
    const text = (field: string): string => String(entry[field] ?? "").trim();
    const name = text("name") || text("id") || `provider ${i + 1}`;
    const missing = needed.filter((field) => text(field) === "");
    if (missing.length > 0) {
      ignored.push(`${name} (no ${missing.join(", ")})`);
      continue;
    }
    if (list.some((other) => other.name === name)) return wrong(`two providers are named ${name}`);
    // Both the base URL and the URL of the requests are in use in these files.
    const whole = /\/completions\/?$/.test(text("base_url"));
    const { url: _url, requestUrl: _requestUrl, ...others } = common;
    list.push({
      name,
      category: text("model_category") || text("model_name"),
      endpoint: { ...others, ...(whole ? { requestUrl: text("base_url") } : { url: text("base_url") }), apiKey: text("api_key"), model: text("model_name") },
    });
  }
  if (list.length === 0) return wrong(`no provider has all of ${needed.join(", ")}`);
  return { list, ignored };
}
