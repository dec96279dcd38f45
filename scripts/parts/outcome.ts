// What a case has come to, as far as it concerns its row of the table.
import type { CaseResult } from "weir";

/** Why there is no use in going on, where the service has answered nothing at all; otherwise null. others are not played for that. */
export function refusal({ counts, warmup, errors }: CaseResult, others = "no other case"): string | null {
  const played = counts.requests > 0;
  const [sent, failed, of] = played ? [counts.requests, counts.requests_failed, errors] : [warmup?.requests ?? 0, warmup?.failed ?? 0, warmup?.errors ?? []];
  if (sent === 0 || failed < sent) return null;
  const first = of.find((e) => e.scope === "request");
  return `no request succeeded, so ${others} is played${first ? `: ${first.message}` : ""}`;
}

/** Says why no other case is played, if so. */
export function sayRefused(result: CaseResult, others?: string): boolean {
  const why = refusal(result, others);
  if (why !== null) console.error(`${result.name}: ${why}`);
  return why !== null;
}

/** Says that a row is made of some of the requests alone. */
export function sayFailed({ name, counts }: CaseResult): void {
  const { requests, requests_failed: failed } = counts;
  if (failed === 0) return;
  console.warn(`${name}: ${failed} of ${requests} requests failed; the row of the table ${failed < requests ? "is made of the others" : "has no latencies"}`);
}
