#!/usr/bin/env python3
"""What other benchmark tools would have reported of the requests in records.jsonl, worked out
independently of weir by each tool's own formula, with nothing but the standard library. Each
part says which function of the tool it follows (docs/conventions.md has the whole list).

    python3 expected.py          writes expected.json
    python3 expected.py --check  compares it with what is there; exit code 1 when they differ

A record tells when token events arrived and when the response ended. So the last event of any
kind (usage, [DONE]) is at end_us, and a first event without text is not known: the first token
event stands for it. A tool's clock starts before the connection is opened."""
import bisect, json, math, os, sys
from collections import defaultdict

HERE = os.path.dirname(os.path.abspath(__file__))


# ---- what numpy does ------------------------------------------------------------------------

def percentile(values, q):
    """np.percentile: linear interpolation between the closest ranks."""
    s = sorted(values)
    place = q / 100 * (len(s) - 1)
    low = math.floor(place)
    high = min(low + 1, len(s) - 1)
    return s[low] + (place - low) * (s[high] - s[low])


def mean(values):
    return math.fsum(values) / len(values)


def std(values):
    m = mean(values)
    return math.sqrt(math.fsum((v - m) ** 2 for v in values) / len(values))


STATS = {"mean": mean, "std": std, "min": min, "max": max}
for _q in (50, 75, 90, 95, 99):
    STATS[f"p{_q}"] = lambda v, q=_q: percentile(v, q)


def or_zero(stat, values):
    """np.mean(values or 0) and the like."""
    return STATS[stat](values) if values else 0.0


# ---- requests as a client in Python sees them ------------------------------------------------

class Request:
    """Moments in seconds on one axis; us and end_us are those of the events and of the end in
    whole microseconds after the start, so that differences are exact."""

    def __init__(self, q, origin):
        opened = q.get("dns_us", 0) + q.get("connect_us", 0) + q.get("tls_us", 0)
        self.sent = q["started_unix_ns"] != 0
        begin = q["started_unix_ns"] - opened * 1000 - origin  # ns
        self.start = begin / 1e9
        at, self.us = opened, []
        for gap in q.get("token_gaps_us", []):
            at += gap
            self.us.append(at)
        self.events = [self.start + us / 1e6 for us in self.us]
        self.end_us = opened + q.get("end_us", 0)
        self.end = self.start + self.end_us / 1e6
        self.kind = q["error"]["kind"] if "error" in q else None
        self.status = q["status"]
        self.streamed = "token_gaps_us" in q or self.kind is not None
        self.retried = q.get("retried", False)
        self.tokens = q.get("tokens") or [1] * len(self.events)
        self.prompt = q["input_tokens"]["n"] if "input_tokens" in q else None
        self.usage = q.get("output_tokens", {}).get("source") == "usage"
        self.out = q["output_tokens"]["n"] if "output_tokens" in q else sum(self.tokens)
        self.first_output = None
        if "first_output_us" in q:
            known = [us for us in self.us if us >= opened + q["first_output_us"]]
            self.first_output = known[0] if known else None

    @property
    def completed(self):
        return self.kind is None

    @property
    def broke_in_200(self):
        return self.status == 200 and self.kind in ("stream_error", "stream_incomplete")


def total(values):
    """None as soon as one is not known."""
    values = list(values)
    return None if None in values else sum(values)


def rate(n, seconds):
    return None if n is None else n / seconds


def plus(a, b):
    return None if a is None or b is None else a + b


# ---- vLLM: vllm/benchmarks/serve.py calculate_metrics, lib/endpoint_request_func.py ----------

def vllm(requests, case):
    outputs = []
    for r in requests:
        # async_request_openai_chat_completions: success once an event with choices has come,
        # unless an exception was raised; latency to the last such event.
        ok = bool(r.events) and (r.completed or r.broke_in_200)
        if ok:
            outputs.append({
                "start": r.start, "ttft": r.us[0] / 1e6, "latency": r.us[-1] / 1e6,
                "itl": [(b - a) / 1e6 for a, b in zip(r.us, r.us[1:])], "out": r.out, "prompt": r.prompt})
    duration = max(r.end for r in requests) - min(r.start for r in requests)
    ttfts = [o["ttft"] for o in outputs]
    e2els = [o["latency"] for o in outputs]
    tpots = [(o["latency"] - o["ttft"]) / (o["out"] - 1) for o in outputs if o["out"] > 1]
    itls = [g for o in outputs for g in o["itl"]]
    n, prompt, out = len(outputs), total(o["prompt"] for o in outputs), sum(o["out"] for o in outputs)
    rows = {
        "Successful requests": n, "Failed requests": len(requests) - n, "Benchmark duration": duration,
        "Total input tokens": prompt, "Total generated tokens": out, "Request throughput": n / duration,
        "Output token throughput": out / duration, "Total token throughput": rate(plus(prompt, out), duration)}

    first = min(o["start"] for o in outputs)
    buckets = defaultdict(int)
    for o in outputs:
        at = o["start"] + o["ttft"]
        buckets[int(at - first)] += 1
        for gap in o["itl"]:
            at += gap
            buckets[int(at - first)] += 1
    rows["Peak output token throughput"] = max(buckets.values())
    steps = sorted([(o["start"], 1) for o in outputs] + [(o["start"] + o["latency"], -1) for o in outputs])
    now = peak = 0
    for _, step in steps:
        now += step
        peak = max(peak, now)
    rows["Peak concurrent requests"] = peak

    slo = case["goodput"]["slo"]
    good = 0
    for o in outputs:
        tpot = (o["latency"] - o["ttft"]) / (o["out"] - 1) if o["out"] > 1 else 0
        good += o["ttft"] * 1e3 <= slo["ttft"] and tpot * 1e3 <= slo["tpot"] and o["latency"] * 1e3 <= slo["e2el"]
    rows["Request goodput"] = good / duration
    for name, values in (("TTFT", ttfts), ("TPOT", tpots), ("ITL", itls), ("E2EL", e2els)):
        for word, stat in (("Mean", "mean"), ("Median", "p50"), ("P99", "p99")):
            rows[f"{word} {name}"] = or_zero(stat, values) * 1000
    return rows


# ---- SGLang: python/sglang/benchmark/serving.py calculate_metrics ----------------------------

def sglang(requests, case):
    outputs = []
    for r in requests:
        # async_request_sglang_generate: everything with status 200 that raised no exception.
        if not (r.completed or r.broke_in_200 or r.kind == "no_output" and r.status == 200):
            continue
        itl = []
        for (a, b), n in zip(zip(r.us, r.us[1:]), r.tokens[1:]):
            itl += [(b - a) / 1e6 / n] * n
        ttft = r.us[0] / 1e6 if r.us else 0.0
        if not r.streamed:
            ttft = r.end_us / 1e6
        outputs.append({"start": r.start, "ttft": ttft, "latency": r.end_us / 1e6, "itl": itl, "out": r.out, "prompt": r.prompt})
    duration = max(r.end for r in requests) - min(r.start for r in requests)
    n, prompt, out = len(outputs), total(o["prompt"] for o in outputs), sum(o["out"] for o in outputs)
    e2e = [o["latency"] for o in outputs]
    rows = {
        "Successful requests": n, "Benchmark duration": duration, "Total input tokens": prompt, "Total generated tokens": out,
        "Request throughput": n / duration, "Input token throughput": rate(prompt, duration), "Output token throughput": out / duration,
        "Total token throughput": rate(plus(prompt, out), duration), "Concurrency": sum(e2e) / duration}
    first = min(o["start"] for o in outputs)
    tokens, active = defaultdict(int), defaultdict(int)
    for o in outputs:
        at = o["start"] + o["ttft"]
        tokens[int(at - first)] += 1
        for gap in o["itl"]:
            at += gap
            tokens[int(at - first)] += 1
        for second in range(int(o["start"] - first), int(o["start"] + o["latency"] - first) + 1):
            active[second] += 1
    rows["Peak output token throughput"] = max(tokens.values())
    rows["Peak concurrent requests"] = max(active.values())
    slo, good = case["goodput"]["slo"], 0  # goodput.py calculate_goodput
    for o in outputs:
        tpot = (o["latency"] - o["ttft"]) / (o["out"] - 1) if o["out"] > 1 else 0.0
        good += o["ttft"] * 1e3 <= slo["ttft"] and tpot * 1e3 <= slo["tpot"] and o["latency"] * 1e3 <= slo["e2el"]
    rows["Request goodput"], rows["SLO attainment"] = good / duration, 100 * good / len(requests)
    tpots = [(o["latency"] - o["ttft"]) / (o["out"] - 1) for o in outputs if o["out"] > 1]
    for name, values in (("E2E Latency", e2e), ("TTFT", [o["ttft"] for o in outputs]), ("TPOT", tpots), ("ITL", [g for o in outputs for g in o["itl"]])):
        for word, stat in (("Mean", "mean"), ("Median", "p50"), ("P90", "p90"), ("P95", "p95"), ("P99", "p99")):
            rows[f"{word} {name}"] = or_zero(stat, values) * 1000
        if name == "ITL":
            rows["Max ITL"] = or_zero("max", values) * 1000
    return rows


# ---- AIPerf: src/aiperf/metrics/types/*.py, metric_dicts.py MetricArray.to_result ------------

def aiperf(requests, case):
    records = [r for r in requests if r.completed and (r.events or not r.streamed)]
    last = lambda r: r.events[-1] if r.streamed else r.end
    metrics, slo, good = defaultdict(list), case["goodput"]["slo"], 0
    for r in records:
        latency = (r.us[-1] if r.streamed else r.end_us) / 1e6
        metrics["Request Latency"].append(latency * 1e3)
        metrics["Output Sequence Length"].append(r.out)
        if r.prompt is not None:
            metrics["Input Sequence Length"].append(r.prompt)
        itl = ttft = None
        if r.streamed:
            ttft = r.us[0] / 1e6
            metrics["Time to First Token"].append(ttft * 1e3)
            if len(r.events) > 1:
                metrics["Time to Second Token"].append((r.us[1] - r.us[0]) / 1e3)
            if r.first_output is not None:
                metrics["Time to First Output Token"].append(r.first_output / 1e3)
            if r.out >= 2:
                itl = (latency - ttft) / (r.out - 1)
                metrics["Inter Token Latency"].append(itl * 1e3)
                metrics["Output Token Throughput Per User"].append(1 / itl)
        # GoodRequestCountMetric: a metric that is missing is not met.
        good += (ttft is not None and ttft * 1e3 <= slo["ttft"] and itl is not None and itl * 1e3 <= slo["tpot"] and latency * 1e3 <= slo["e2el"])
    rows = {}
    for name, values in metrics.items():
        for column, stat in (("avg", "mean"), ("min", "min"), ("max", "max"), ("p99", "p99"), ("p90", "p90"), ("p50", "p50"), ("std", "std")):
            rows[f"{name} {column}"] = STATS[stat](values)
    duration = max(last(r) for r in records) - min(r.start for r in records)
    rows["Benchmark Duration"] = duration
    rows["Output Token Throughput"] = sum(r.out for r in records) / duration
    rows["Request Throughput"] = len(records) / duration
    rows["Request Count"] = len(records)
    if len(records) < len(requests):
        rows["Error Request Count"] = len(requests) - len(records)
    rows["Goodput"] = good / duration
    rows["GoodRequestFraction"] = good / len(requests)
    return rows


# ---- GuideLLM: schemas/request_stats.py, schemas/statistics.py -------------------------------

def weighted_pdf(samples):
    """DistributionSummary.from_values"""
    merged = defaultdict(float)
    for value, weight in samples:
        merged[value] += weight
    kept = sorted((v, w) for v, w in merged.items() if w > 0)
    whole = sum(w for _, w in kept)
    return [(v, w / whole) for v, w in kept]


def guide_mean(samples):
    return sum(v * p for v, p in weighted_pdf(samples))


def guide_percentile(samples, p):
    """Percentiles.from_pdf: np.searchsorted(np.cumsum(probabilities), p, side="left")"""
    pdf = weighted_pdf(samples)
    if not pdf:
        return 0.0
    sums, now = [], 0.0
    for _, probability in pdf:
        now += probability
        sums.append(now)
    return pdf[min(bisect.bisect_left(sums, p), len(pdf) - 1)][0]


def merge(times, threshold=1e-4):
    """_merge_sorted_times_with_weights: what lies within the threshold of the first of a group
    joins it, again and again until nothing does."""
    exact = defaultdict(float)
    for at, weight in times:
        exact[at] += weight
    times, changed = sorted(exact.items()), True
    while changed:
        changed, groups, i = False, [], 0
        while i < len(times):
            j, weight = i, 0.0
            while j < len(times) and times[j][0] <= times[i][0] + threshold:
                weight += times[j][1]
                j += 1
            changed = changed or j > i + 1
            groups.append((times[i][0], weight))
            i = j
        times = groups
    return times


def guide_rate(times, start=None, end=None):
    """rate_distribution_from_timings: the rate around each event, weighted with the time that is its."""
    if start is not None:
        times = [(start, 0.0)] + [t for t in times if t[0] >= start]
        times = [t for t in times if t[0] <= end] + [(end, 0.0)]
    times = merge(times)
    if len(times) <= 1:
        return 0.0
    at = [t for t, _ in times]
    middle = [(a + b) / 2 for a, b in zip(at, at[1:])]
    own = [middle[0] - at[0]] + [b - a for a, b in zip(middle, middle[1:])] + [max(at[-1] - middle[-1], 1e-6)]
    return guide_mean([(weight / length, length) for (_, weight), length in zip(times, own)])


def guidellm(requests, case):
    count = lambda r: r.out if r.usage else len(r.events)  # output_tokens: usage, else iterations
    good = [r for r in requests if r.completed and (r.events or not r.streamed)]
    samples = defaultdict(list)
    for r in good:
        n = count(r)
        samples["Request Latency"].append((r.end_us / 1e6, 1.0))
        samples["Input Tok Per Req"].append((r.prompt or 0.0, 1.0))
        samples["Output Tok Per Req"].append((n, 1.0))
        samples["TTFT"].append((r.us[0] / 1e3 if r.streamed else 0.0, 1.0))
        samples["TTFOT"].append((r.first_output / 1e3 if r.first_output and r.streamed else 0.0, 1.0))
        itl = (r.us[-1] - r.us[0]) / 1e3 / (n - 1) if r.streamed and n > 1 else 0.0
        samples["ITL"].append((itl, (n or 1.0) - 1.0))
        last = r.us[-1] if r.streamed else r.end_us
        samples["TPOT"].append((last / 1e3 / n, n) if n else (0.0, 0.0))
    rows = {"Requests Successful": len(good), "Requests Errored": len(requests) - len(good)}
    for name, values in samples.items():
        rows[f"{name} Mdn"], rows[f"{name} p95"] = guide_percentile(values, 0.5), guide_percentile(values, 0.95)

    start, end = min(r.start for r in requests), max(r.end for r in requests)
    rows["Requests Per Sec Mean"] = guide_rate([(r.end, 1.0) for r in requests], start, end)
    prompts, outputs = [], []
    for r in requests:
        n = count(r)
        if r.streamed and r.events:
            prompts.append((r.events[0], r.prompt))
        else:
            prompts.append((r.end, r.prompt))
        if not r.streamed or len(r.events) <= 1:  # output_tokens_timings
            outputs.append((r.events[-1] if r.streamed and r.events else r.end, n))
            continue
        outputs.append((r.events[0], 1.0 * bool(n)))
        if n > 1:  # iter_tokens_timings: np.linspace
            k = len(r.events) - 1
            step = (r.events[-1] - r.events[0]) / k
            outputs += [(r.events[0] + i * step, (n - 1) / k) for i in range(1, k + 1)]
    known = all(p is not None for _, p in prompts)
    rows["Input Tokens Per Sec Mean"] = guide_rate(prompts) if known else None
    rows["Output Tokens Per Sec Mean"] = guide_rate(outputs)
    rows["Total Tokens Per Sec Mean"] = guide_rate(prompts + outputs) if known else None
    return rows


# ---- AISBench: summarizers/default_perf.py, calculators/base_perf_metric_calculator.py -------

def aisbench(requests, case):
    tried = [r for r in requests if not r.retried]
    good, metrics = [], defaultdict(list)
    for r in tried:
        if not (r.completed or r.broke_in_200 and (r.events or r.kind == "stream_error") or r.kind == "no_output" and r.status == 200):
            continue
        good.append(r)
        points = [0] + r.us
        if not r.events or r.usage or r.kind == "stream_error":
            points.append(r.end_us)  # the usage, the error, or the whole answer
        r.last = r.start + points[-1] / 1e6
        latency, ttft = points[-1] / 1e6, points[1] / 1e6
        metrics["E2EL"].append(latency)
        metrics["TTFT"].append(ttft)
        metrics["TPOT"].append((latency - ttft) / (r.out - 1) if r.out > 1 else 0)
        metrics["ITL"] += [(b - a) / 1e6 for a, b in zip(points[1:], points[2:])]
        metrics["InputTokens"].append(r.prompt)
        metrics["OutputTokens"].append(r.out)
        metrics["OutputTokenThroughput"].append(r.out / latency)
        metrics["PrefillTokenThroughput"].append(None if r.prompt is None else r.prompt / ttft)
    rows = {}
    for name, values in metrics.items():
        for column, stat in (("Average", "mean"), ("Min", "min"), ("Max", "max"), ("Median", "p50"), ("P75", "p75"), ("P90", "p90"), ("P99", "p99")):
            if None in values:
                if name == "InputTokens":
                    rows[f"{name} {column}"] = None
                continue
            value = round(STATS[stat](values), 4)
            rows[f"{name} {column}"] = round(value * 1000, 4) if name in ("E2EL", "TTFT", "TPOT", "ITL") else value
    duration = max(r.last for r in good) - min(r.start for r in good)
    prompt, out = total(r.prompt for r in good), sum(r.out for r in good)
    r4 = lambda v: None if v is None else round(v, 4)
    rows.update({
        "Benchmark Duration": round(duration * 1000, 4), "Total Requests": len(tried), "Failed Requests": len(tried) - len(good),
        "Success Requests": len(good), "Concurrency": r4(sum(metrics["E2EL"]) / duration), "Request Throughput": r4(len(good) / duration),
        "Total Input Tokens": prompt, "Total Generated Tokens": out, "Input Token Throughput": r4(rate(prompt, duration)),
        "Output Token Throughput": r4(out / duration), "Total Token Throughput": r4(rate(plus(prompt, out), duration))})
    return rows


# ---- AscendCloud-LLM benchmark_parallel.py: what is known of benchmark_utils.py --------------

def chunks(r):
    """time_record after the request was sent, in microseconds: each chunk, [DONE] at the end."""
    return r.us + [r.end_us] if r.streamed else [r.end_us]


def ascend63(requests, case):
    good = [r for r in requests if r.completed]
    asked = case["tags"].get("output_tokens")
    wall = max(r.end for r in good) - min(r.start for r in good)
    prefills = [(r.start, r.start + chunks(r)[0] / 1e6) for r in good]
    gaps = []
    for r in good:
        for a, b in zip(chunks(r), chunks(r)[1:]):
            s, e = r.start + a / 1e6, r.start + b / 1e6
            if not any(s <= p1 and e >= p0 for p0, p1 in prefills):
                gaps.append((b - a) / 1e3)
    while gaps and gaps[0] == 0:
        gaps.pop(0)
    rows = {"所有请求耗时": round(wall, 4), "请求吞吐": round(len(good) / wall, 4),
            "输出tokens总吞吐": round(sum(asked or r.out for r in good) / wall, 4)}
    for name, values in (("首tokens时延", [chunks(r)[0] / 1e3 for r in good]), ("增量时延", gaps)):
        for label, stat in ((f"{name}TP90", "p90"), (f"{name}TP99", "p99"), (f"最大{name}", "max"), (f"平均{name}", "mean")):
            rows[label] = round(STATS[stat](values), 4) if values else None
    return rows


def ascend65(requests, case):
    good = [r for r in requests if r.completed]
    length = lambda r: case["tags"].get("output_tokens") or r.out
    prompt = lambda r: case["tags"].get("prompt_tokens") or r.prompt
    wall = max(r.end for r in good) - min(r.start for r in good)
    out, all_tokens = sum(length(r) for r in good), total(prompt(r) for r in good)
    all_tokens = plus(all_tokens, out)
    rows = {"Total_Token_Throughput": None if all_tokens is None else round(all_tokens / wall, 2), "Output_Token_Throughput": round(out / wall, 2),
            "Total_Time": round(wall, 3), "QPS": round(len(good) / wall, 2), "Fail_Rate": 0}
    metrics = defaultdict(list)
    for r in good:
        t, n = chunks(r), length(r)
        metrics["TTFT"].append(t[0] / 1e6)
        metrics["TPOT"].append((t[-1] - t[0]) / 1e6 / (n - 1) if n > 1 else 0)
        metrics["E2E"].append(t[-1] / 1e6)
        if len(t) > 1:
            metrics["TIME_BETWEEN_FIRST_AND_SECOND_TOKEN"].append((t[1] - t[0]) / 1e6)
            if n > 2:
                metrics["TPOT_SEC"].append((t[-1] - t[1]) / 1e6 / (n - 2))
    columns = {"TTFT": "75 90 95 99 MAX AVG", "TPOT": "75 90 95 99 MAX AVG", "TPOT_SEC": "90 95 99 MAX AVG",
               "TIME_BETWEEN_FIRST_AND_SECOND_TOKEN": "90 95 99 MIN MAX AVG", "E2E": "75 90 95 99 MAX AVG"}
    for name, wanted in columns.items():
        for column in wanted.split():
            stat = {"MIN": "min", "MAX": "max", "AVG": "mean"}.get(column, "p" + column)
            label = column if column in ("MIN", "MAX", "AVG") else "TP" + column
            rows[f"{label}_{name}"] = round(STATS[stat](metrics[name]), 3) if metrics[name] else None
    return rows


CONVENTIONS = {"vllm": vllm, "sglang": sglang, "aiperf": aiperf, "guidellm": guidellm, "aisbench": aisbench,
               "ascend-6.3": ascend63, "ascend-6.5": ascend65}


def work_out():
    with open(os.path.join(HERE, "result.json"), encoding="utf-8") as f:
        cases = json.load(f)["cases"]
    by_case = defaultdict(list)
    with open(os.path.join(HERE, "records.jsonl"), encoding="utf-8") as f:
        for line in f:
            q = json.loads(line)
            by_case[q["case"]].append(q)
    expected = {}
    for number, case in enumerate(cases, 1):
        records = by_case[number]
        origin = min(q["started_unix_ns"] for q in records if q["started_unix_ns"])
        requests = sorted((Request(q, origin) for q in records), key=lambda r: r.start)
        expected[case["name"]] = {name: f(requests, case) for name, f in CONVENTIONS.items()}
    return expected


def differences(here, there, path=""):
    if isinstance(here, dict) and isinstance(there, dict):
        for key in sorted(set(here) | set(there)):
            if key not in here or key not in there:
                yield f"{path}/{key}: only in {'expected.json' if key in there else 'the computation'}"
            else:
                yield from differences(here[key], there[key], f"{path}/{key}")
    elif here is None or there is None or isinstance(here, dict) or isinstance(there, dict):
        if here != there:
            yield f"{path}: {here!r}, expected.json has {there!r}"
    elif not math.isclose(here, there, rel_tol=1e-9, abs_tol=1e-9):
        yield f"{path}: {here!r}, expected.json has {there!r}"


def main():
    path = os.path.join(HERE, "expected.json")
    expected = work_out()
    if sys.argv[1:] == ["--check"]:
        with open(path, encoding="utf-8") as f:
            found = list(differences(expected, json.load(f)))
        for line in found:
            print(line)
        numbers = sum(len(rows) for case in expected.values() for rows in case.values())
        print(f"conventions: {numbers} numbers of {len(expected)} cases, {len(found)} differ from expected.json")
        sys.exit(1 if found else 0)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(expected, f, indent=1, ensure_ascii=False)
        f.write("\n")


if __name__ == "__main__":
    main()
