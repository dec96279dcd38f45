// Profiling the service during the cases of the scenarios that replace the
// AscendCloud-LLM scripts, with their flags.
import { invalidParams } from "weir";
import type { EndpointOptions } from "weir/llm";
import { vllm, type Profiler } from "weir/profile";
import type { Values } from "./service";

export const profileFlags = {
  profile: { default: false, help: "profile the service during each case, by /start_profile and /stop_profile of vLLM and vLLM-Ascend, which must have been started with a profiler (docs/profiling.md)" },
  serviceProfileLevel: { type: "string", choices: ["Level_none", "Level0", "Level1", "Level2"], help: "level of the profile, for services of the AscendCloud-LLM packages (default: the service's own)" },
} as const;

export type Profiling = Values<typeof profileFlags>;

/** Ends the run when the flags make no sense. */
export function checkProfile(p: Profiling): void {
  if (p.serviceProfileLevel !== null && !p.profile) invalidParams("--service-profile-level does not apply without --profile");
}

/** What profiles the service of an endpoint, on all its hosts; null without --profile. For init code. */
export function profiler(p: Profiling, endpoint: EndpointOptions): Profiler | null {
  if (!p.profile) return null;
  const { apiKey, appCode, authToken, headers, insecure, ca, clientCert, clientKey, proxy, accessKey, secretKey, securityToken } = endpoint;
  return vllm({
    url: endpoint.requestUrl ?? endpoint.url ?? [],
    ...(p.serviceProfileLevel === null ? {} : { level: p.serviceProfileLevel }),
    ...{ apiKey, appCode, authToken, headers, insecure, ca, clientCert, clientKey, proxy, accessKey, secretKey, securityToken },
  });
}
