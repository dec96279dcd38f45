// What the scenarios have in common that ask one service: the flags that say
// where it is and as whom it is asked, and the endpoint's options made of them.
import { invalidParams, type ParamValue } from "weir";
import type { EndpointOptions } from "weir/llm";

export const serviceFlags = {
  host: { default: ["localhost"], help: "host of the service, or several with commas in between: requests go to each in turn" },
  port: { default: ["9288"], help: "port of the service, one for all hosts or one for each" },
  url: { default: "", help: "whole URL of the requests, used as it is instead of --host and --port" },
  appCode: { default: "", secret: true, help: "sent as header X-Apig-AppCode" },
  apiKey: { default: "", secret: true, help: "sent as header Authorization: Bearer" },
  authToken: { default: "", secret: true, help: "sent as header X-Auth-Token" },
  accessKey: { default: "", secret: true, help: "access key (AK) of Huawei Cloud: requests are signed with it and --secret-key" },
  secretKey: { default: "", secret: true, help: "its secret key (SK)" },
  securityToken: { default: "", secret: true, help: "of temporary keys, sent as header X-Security-Token" },
  header: { default: [], type: "string list", secret: true, help: "more headers, each as Name: value" },
  insecure: { default: false, help: "accept a TLS certificate that cannot be verified, as the scripts do" },
  ca: { default: "", help: "file with certificates of authorities to trust besides the system's (PEM)" },
  clientCert: { default: "", help: "file with the certificate to show to a service that asks for one (PEM)" },
  clientKey: { default: "", help: "file with its private key (default: it is in --client-cert)" },
  proxy: { default: "", secret: true, help: "HTTP proxy such as http://user:password@host:port; environment takes HTTP_PROXY, HTTPS_PROXY and NO_PROXY" },
  balance: { default: "round-robin", choices: ["round-robin", "least-in-flight"], help: "which of several hosts gets a request" },
  tokenizer: {
    default: "builtin",
    help: "folder with tokenizer.json, or that file, of the model that is served; builtin is a small one of weir's own, whose lengths are not those of the model",
  },
  servedModelName: { default: "", help: "name of the model in requests (default: the value of --tokenizer, none with builtin)" },
} as const;

/** Of the scenarios that also ask a tgi. */
export const schemeFlag = {
  scheme: { default: "auto", choices: ["auto", "http", "https"], help: "of the URL that is made of --host and --port; auto is https for tgi, as in the scripts, and http for all others" },
} as const;

/** Of the scenarios that ask a tgi as any other. */
export const plainSchemeFlag = {
  scheme: { default: "http", choices: ["http", "https"], help: "of the URL that is made of --host and --port" },
} as const;

/** How the scenarios that are weir's own ask, besides where and whom. */
export const askingFlags = {
  pause: { default: "0s", type: "duration", help: "wait between cases" },
  timeout: { default: "10m", type: "duration", help: "limit of one request" },
  keepAlive: { default: true, help: "reuse connections; --no-keep-alive opens one for each request" },
} as const;

/** The values of parameters, by their names. */
export type Values<Specs> = { readonly [Name in keyof Specs]: ParamValue<Specs[Name]> };
export type Service = Values<typeof serviceFlags>;

/** Ends the run when the flags of the service make no sense. */
export function checkService(p: Service): void {
  const [names, ports] = [split(p.host), split(p.port)];
  const noHost = names.find((host) => !/^[A-Za-z0-9._-]+$/.test(host) && !/^[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%.+)?$/.test(host));
  if (noHost !== undefined) {
    invalidParams(`--host takes a name or an address, not ${noHost}; the port goes into --port, and a whole URL into --url`);
  }
  const wrong = ports.find((port) => !/^\d+$/.test(port) || +port < 1 || +port > 65535);
  if (wrong !== undefined) {
    invalidParams(`--port must be a whole number from 1 to 65535, got ${wrong}`);
  }
  if (names.length === 0 || ports.length === 0 || (ports.length !== 1 && ports.length !== names.length)) {
    invalidParams(`--host names ${names.length} hosts and --port ${ports.length} ports; give one port, or one for each host`);
  }
}

type Scheme = Values<typeof schemeFlag>;

/** The scheme of a backend's URL. */
export function schemeOf({ scheme }: Scheme, backend: string): string {
  if (scheme !== "auto") return scheme;
  return backend === "tgi" ? "https" : "http";
}

/** Says what --scheme auto means where it is not what one expects. For plan. */
export function sayScheme(p: Scheme & Service, backend: string): void {
  if (p.scheme === "auto" && backend === "tgi" && p.url === "") console.log("tgi is asked over https, as the scripts do; --scheme http changes that");
}

/** Where the service is, and as whom it is asked. */
export function serviceOptions(p: Service, scheme: string): EndpointOptions {
  return {
    ...(p.url ? { requestUrl: p.url } : { url: hosts(p, scheme) }),
    balance: p.balance,
    // weir's own tokenizer has the name of no model: the service takes the one that it has.
    model: p.servedModelName || (p.tokenizer === "builtin" ? "" : p.tokenizer),
    apiKey: p.apiKey,
    appCode: p.appCode,
    authToken: p.authToken,
    headers: headers(p.header),
    accessKey: p.accessKey,
    secretKey: p.secretKey,
    securityToken: p.securityToken,
    insecure: p.insecure,
    ca: p.ca,
    clientCert: p.clientCert,
    clientKey: p.clientKey,
    proxy: p.proxy,
  };
}

/** The same, with how the scenarios that are weir's own ask. */
export function askingOptions(
  p: Service & Values<typeof plainSchemeFlag & typeof askingFlags> & { readonly backend: string; readonly temperature: number; readonly ignoreEos?: boolean },
): EndpointOptions {
  return {
    ...serviceOptions(p, p.scheme),
    backend: p.backend,
    temperature: p.temperature,
    ignoreEos: p.ignoreEos ?? true,
    keepAlive: p.keepAlive,
    timeout: p.timeout,
  };
}

// headers are those of --header.
function headers(lines: readonly string[]): Record<string, string> {
  const all: Record<string, string> = {};
  for (const line of lines) {
    const at = line.search(/[:=]/);
    if (at < 1) invalidParams("--header is a name and a value, such as \"X-Team: weir\"; one of them is not");
    all[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return all;
}

// hosts are the base URLs of --host and --port.
function hosts(p: Service, scheme: string): string[] {
  const ports = split(p.port);
  return split(p.host).map((host, i, all) => `${scheme}://${host.includes(":") ? `[${host}]` : host}:${ports[ports.length === all.length ? i : 0]}`);
}

// split takes values with commas or blanks in between.
function split(values: readonly string[]): string[] {
  return values.flatMap((v) => v.split(",")).filter((v) => v !== "");
}
