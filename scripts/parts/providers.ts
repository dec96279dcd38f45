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

/** The services of a file; without one the service that the flags name, at this scheme. For init code. */
export function readProviders(path: string, p: Service, scheme: string, backend: string): Providers {
  const common = serviceOptions(p, scheme);
  if (path === "") {
    return { list: [{ name: "service", category: lastPart(String(common.model)) || "model", endpoint: common }], ignored: [] };
  }
  const wrong = (what: string): never => invalidParams(`--providers-path ${path}: ${what}`);
  const entries = readEntries(path, wrong);
  const { url: _url, requestUrl: _requestUrl, ...others } = common;
  const list: Provider[] = [];
  const ignored: string[] = [];
  for (const [i, entry] of entries.entries()) {
    if (entry === null || typeof entry !== "object" || Array.isArray(entry)) return wrong(`provider ${i + 1} is no map of name, api_key, base_url, model_name, model_category`);
    const provider = readEntry(entry as Record<string, unknown>, `provider ${i + 1}`, wrong);
    const missing = needed.filter((field) => provider[field] === "");
    if (missing.length > 0) {
      ignored.push(`${provider.name} (no ${missing.join(", ")})`);
      continue;
    }
    if (list.some((other) => other.name === provider.name)) return wrong(`two providers are named ${provider.name}`);
    if (!/^https?:\/\/[^/?#\s]+[^\s#]*$/i.test(provider.base_url)) {
      return wrong(`${provider.name}: base_url is no URL such as http://127.0.0.1:8000/v1`);
    }
    list.push({
      name: provider.name,
      category: lastPart(provider.model_category || provider.model_name),
      endpoint: { ...others, ...address(provider.base_url, backend), apiKey: provider.api_key, model: provider.model_name },
    });
  }
  if (list.length === 0) return wrong(`no provider has all of ${needed.join(", ")}${ignored.length > 0 ? `: ${ignored.join("; ")}` : ""}`);
  return { list, ignored };
}

function readEntries(path: string, wrong: (what: string) => never): unknown[] {
  let document: unknown;
  try {
    document = parseYAML(open(path));
  } catch (error) {
    return wrong((error as Error).message.replace(/^open\(.*?\): (--providers-path: )?/, ""));
  }
  const entries = (document as { providers?: unknown } | null)?.providers;
  if (!Array.isArray(entries)) return wrong("it has no list of providers, such as providers: [{ name, api_key, base_url, model_name, model_category }]");
  return entries;
}

const fields = ["name", "api_key", "base_url", "model_name", "model_category"] as const;

// readEntry takes texts alone: YAML makes other values of 0012345 and 1.0, and of keys that happen to be digits.
function readEntry(entry: Record<string, unknown>, which: string, wrong: (what: string) => never): Record<(typeof fields)[number], string> {
  const id = typeof entry.id === "string" || Number.isSafeInteger(entry.id) ? String(entry.id).trim() : "";
  const name = (typeof entry.name === "string" ? entry.name.trim() : "") || id || which;
  const found = { name, api_key: "", base_url: "", model_name: "", model_category: "" };
  for (const field of fields) {
    const value = entry[field] ?? "";
    if (typeof value !== "string") {
      const what = Array.isArray(value) ? "a list" : typeof value === "object" ? "a map" : `a ${typeof value}`;
      return wrong(`${name}: ${field} is ${what}, not a text: ${typeof value === "object" ? "give one text" : `quote it, ${field}: "…"`}`);
    }
    if (value.trim() !== "") found[field] = value.trim();
  }
  return found;
}

// address is where requests go. As OpenAI clients have it, the last part of the path follows a base URL that has a path; a bare host gets the whole one.
function address(base: string, backend: string): Pick<EndpointOptions, "url" | "requestUrl"> {
  const [, root, path, query] = /^([a-z]+:\/\/[^/?]+)([^?]*)(\?.*)?$/i.exec(base)!;
  const trimmed = path.replace(/\/+$/, "");
  if (trimmed === "") return query ? { requestUrl: `${root}/v1/${lastOf(backend)}${query}` } : { url: root };
  if (/\/completions$/.test(trimmed)) return { requestUrl: base };
  return { requestUrl: `${root}${trimmed}/${lastOf(backend)}${query ?? ""}` };
}

function lastOf(backend: string): string {
  return backend === "openai" ? "completions" : "chat/completions";
}

// lastPart is the name of a model without the folders or the owner before it.
function lastPart(model: string): string {
  return model.replace(/[\/\\]+$/, "").split(/[/\\]/).at(-1)!;
}
