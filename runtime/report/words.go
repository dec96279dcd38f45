package report

import (
	"fmt"
	"maps"
	"strings"
)

// Lang is a language that reports are written in.
type Lang string

const (
	English Lang = "en"
	Chinese Lang = "zh"
)

// ParseLang reads the name of a language.
func ParseLang(name string) (Lang, error) {
	switch l := Lang(name); l {
	case English, Chinese:
		return l, nil
	}
	return "", fmt.Errorf("%q is no language of reports; there are en (English) and zh (Chinese)", name)
}

// FromEnvironment is the language of the locale: the first of LC_ALL, LC_MESSAGES and
// LANG that is set, as POSIX has it.
func FromEnvironment(lookup func(name string) (string, bool)) Lang {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value, _ := lookup(name); value != "" {
			if strings.HasPrefix(strings.ToLower(value), "zh") {
				return Chinese
			}
			return English
		}
	}
	return English
}

// Tag is the language for HTML's lang attribute.
func (l Lang) Tag() string {
	if l == Chinese {
		return "zh-CN"
	}
	return "en"
}

// T is a text of the reports in the language. A key that there is none for is
// returned as it is, which a test does not let happen.
func (l Lang) T(key string) string {
	w, ok := words[key]
	switch {
	case !ok:
		return key
	case l == Chinese:
		return w.zh
	}
	return w.en
}

// F is T of a text with verbs of fmt in it. Both languages take the values in the same
// order, or number them (%[2]s).
func (l Lang) F(key string, values ...any) string { return fmt.Sprintf(l.T(key), values...) }

// word is a text in every language.
type word struct{ en, zh string }

// words are all texts of the reports but the definitions of metrics: those of the page,
// of figures and of comparisons.
var words = together(pageWords, figureWords, comparisonWords)

func together(parts ...map[string]word) map[string]word {
	all := map[string]word{}
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return all
}

// pageWords are the texts of the page. Names of metrics
// (TTFT, ITL, …), of rules and of fields stay what they are in every language, and what
// comes from a run is shown as it is.
var pageWords = map[string]word{
	// The page.
	"skip":             {"Skip to the results", "跳到结果"},
	"theme":            {"Light or dark", "浅色/深色"},
	"contents":         {"Contents", "目录"},
	"overview":         {"Overview", "总览"},
	"glossary":         {"What the words mean", "术语说明"},
	"reproduce":        {"Run it again", "复现命令"},
	"copy":             {"Copy", "复制"},
	"copied":           {"Copied", "已复制"},
	"search":           {"Search the rows", "搜索"},
	"rows shown":       {"%d of %d rows", "显示 %d 行，共 %d 行"},
	"back":             {"Back to the overview", "返回总览"},
	"made by":          {"Made by weir %s from the files of the run.", "由 weir %s 根据本次运行的文件生成。"},
	"interrupted run":  {"Interrupted: this is what was finished.", "运行被中断：以下为已完成的部分。"},
	"ended early":      {"The run ended early:", "运行提前结束："},
	"no cases":         {"No case was finished.", "没有已完成的用例。"},
	"numbers of chart": {"The numbers of the chart", "图表数据"},
	"table note": {
		"avg with ± is the mean with its 95 % confidence interval. ~: from fewer samples than it takes to know this percentile with 99 % confidence.",
		"avg 为均值，± 为其 95% 置信区间。带 ~ 的分位数样本不足，达不到 99% 置信度。"},
	"table window": {
		"Latencies, rates and goodput are those of the steady state, without warming up and draining, in %d of %d cases; counts of requests are of the whole.",
		"%[2]d 个用例中 %[1]d 个的时延、速率和有效吞吐取自稳态（不含预热和收尾）；请求数为全程。"},
	"best of":             {"The best of the cases that are not INVALID; INVALID are %d of %d.", "仅取非 INVALID 用例中的最优值；%[2]d 个用例中 %[1]d 个为 INVALID。"},
	"none to put forward": {"All cases are INVALID: none is put forward as the best.", "所有用例均为 INVALID，不列出最优值。"},
	"and more":            {"and %d more", "等另外 %d 个"},
	"of n":                {"of %s", "共 %s"},
	"n of m":              {"%s of %s", "%s / %s"},
	"from to":             {"%s … %s", "%s … %s"},

	// Head and key figures.
	"title":             {"%s – weir report", "%s – weir 报告"},
	"service":           {"Service", "服务"},
	"services":          {"Services", "服务"},
	"backend":           {"Backend", "后端"},
	"model":             {"Model", "模型"},
	"url":               {"URL", "地址"},
	"simulated":         {"Simulated", "仿真"},
	"simulated service": {"simulated service, part of weir", "weir 内置的仿真服务"},
	"devices":           {"Devices", "设备"},
	"started":           {"Started", "开始时间"},
	"took":              {"Took", "耗时"},
	"cases":             {"Cases", "用例数"},
	"script":            {"Script", "脚本"},
	"client machine":    {"Client", "压测客户端"},
	"cpus":              {"%d CPUs", "%d 个 CPU"},

	"output throughput":       {"Output throughput", "输出吞吐"},
	"output throughput best":  {"Highest output throughput", "最高输出吞吐"},
	"request throughput":      {"Requests", "请求吞吐"},
	"request throughput best": {"Most requests", "最高请求吞吐"},
	"goodput share":           {"Goodput", "有效吞吐"},
	"goodput share best":      {"Highest goodput", "最高有效吞吐"},
	"TTFT p50":                {"TTFT, median", "首Token时延 TTFT 中位数"},
	"TTFT p50 best":           {"Lowest median TTFT", "最低首Token时延 TTFT 中位数"},
	"TTFT p99":                {"TTFT, p99", "首Token时延 TTFT p99"},
	"TTFT p99 best":           {"Lowest p99 TTFT", "最低首Token时延 TTFT p99"},
	"TPOT p50":                {"TPOT, median", "TPOT 中位数"},
	"TPOT p50 best":           {"Lowest median TPOT", "最低 TPOT 中位数"},
	"ITL p99":                 {"ITL, p99", "Token间时延 ITL p99"},
	"ITL p99 best":            {"Lowest p99 ITL", "最低Token间时延 ITL p99"},
	"E2EL p99":                {"E2EL, p99", "端到端时延 E2EL p99"},
	"E2EL p99 best":           {"Lowest p99 E2EL", "最低端到端时延 E2EL p99"},
	"HTTP p50":                {"HTTP duration, median", "HTTP 耗时中位数"},
	"HTTP p50 best":           {"Lowest median HTTP duration", "最低 HTTP 耗时中位数"},
	"HTTP p99":                {"HTTP duration, p99", "HTTP 耗时 p99"},
	"HTTP p99 best":           {"Lowest p99 HTTP duration", "最低 HTTP 耗时 p99"},
	"failed requests":         {"Failed requests", "失败请求"},
	"failed iterations":       {"Failed iterations", "失败迭代"},

	// Tables of cases.
	"generations":              {"Cases", "用例"},
	"embeddings and rankings":  {"Embeddings and rankings", "向量化与重排序"},
	"plain requests":           {"Plain HTTP requests", "普通 HTTP 请求"},
	"iterations":               {"Iterations", "迭代"},
	"case":                     {"case", "用例"},
	"verdict":                  {"verdict", "判定"},
	"requests":                 {"requests", "请求"},
	"ok":                       {"ok", "成功"},
	"failed":                   {"failed", "失败"},
	"cut off":                  {"cut off", "被截断"},
	"completed":                {"completed", "完成"},
	"per second":               {"per second", "每秒"},
	"a second":                 {"per s", "每秒"},
	"goodput":                  {"Goodput", "有效吞吐"},
	"throughput":               {"Throughput", "吞吐"},
	"tokens per second":        {"tokens/s", "Token/s"},
	"requests per second":      {"requests/s", "请求/s"},
	"output tokens per second": {"output tokens/s", "输出 Token/s"},
	"input tokens per second":  {"input tokens/s", "输入 Token/s"},
	"input":                    {"input", "输入"},
	"output":                   {"output", "输出"},
	"total":                    {"total", "总计"},
	"interrupted":              {"interrupted", "被中断"},
	"stopped":                  {"stopped", "提前停止"},
	"validity":                 {"Can the numbers be believed?", "结果可信度"},
	"noted":                    {"note", "提示"},
	"likewise":                 {"; likewise in ", "；同样见于 "},
	"likewise in all others":   {"; likewise in all other cases", "；其余用例同样如此"},
	"thresholds":               {"Thresholds", "阈值"},
	"threshold":                {"threshold", "阈值"},
	"kept by":                  {"cases that kept it", "满足的用例数"},
	"not kept by":              {"cases that did not", "未满足的用例"},
	"errors":                   {"Errors", "错误"},
	"count":                    {"count", "数量"},
	"scope":                    {"scope", "范围"},
	"kind":                     {"kind", "类型"},
	"status":                   {"status", "状态"},
	"first message":            {"first message", "首条消息"},
	"request":                  {"request", "请求"},
	"iteration":                {"iteration", "迭代"},

	// A case.
	"duration":           {"duration", "时长"},
	"repetition":         {"repetition", "第几次重复"},
	"stopped by":         {"stopped by", "停止条件"},
	"stopped at":         {"%s: %s after %s", "%s：%s，开始后 %s"},
	"value":              {"value", "值"},
	"note":               {"note", "说明"},
	"metrics":            {"Metrics", "指标"},
	"metric":             {"metric", "指标"},
	"unit":               {"unit", "单位"},
	"hdr":                {"So many samples that percentiles come from a histogram: off by 0.1 % at most", "样本过多，分位数来自直方图，误差不超过 0.1%"},
	"counters and rates": {"Counters and rates", "计数与比率"},
	"gauge range":        {"min %s, max %s", "最小 %s，最大 %s"},
	"missed n":           {"%s not good", "%s 个未达标"},
	"window all":         {"Whole case", "全程"},
	"window steady":      {"Steady state", "稳态"},
	"window of":          {"%s: %s s to %s s after the first request's start; requests completed: %s.", "%s：首个请求开始后 %s s 至 %s s，完成请求 %s 个。"},
	"no window":          {"%s: none was found: %s.", "%s：未找到（%s）。"},
	"what":               {"what", "项目"},

	"counts":                 {"Counts", "计数"},
	"iterations scheduled":   {"iterations scheduled", "计划的迭代"},
	"iterations started":     {"iterations started", "开始的迭代"},
	"iterations completed":   {"iterations completed", "完成的迭代"},
	"iterations failed":      {"iterations that threw", "抛出异常的迭代"},
	"iterations interrupted": {"iterations cut off", "被截断的迭代"},
	"iterations dropped":     {"iterations dropped", "被丢弃的迭代"},
	"iterations late":        {"iterations that started late", "启动滞后的迭代"},
	"requests ended":         {"requests that ended", "结束的请求"},
	"requests failed":        {"requests that failed", "失败的请求"},
	"requests cut off":       {"requests cut off", "被截断的请求"},
	"requests resent":        {"requests resent on a new connection", "在新连接上重发的请求"},
	"requests retried":       {"requests retried", "重试的请求"},
	"connections opened":     {"connections opened", "新建连接"},
	"connections failed":     {"connections that failed", "建连失败"},
	"segments retransmitted": {"TCP segments retransmitted", "TCP 重传段"},
	"token events":           {"token events", "Token事件"},
	"token events shared":    {"of these, shared a read", "其中与其他事件同次读取"},
	"token events late":      {"of these, read late", "其中读取过晚"},
	"input counted by":       {"input tokens counted by", "输入Token计数来源"},
	"output counted by":      {"output tokens counted by", "输出Token计数来源"},
	"stamped by":             {"arrivals stamped by", "到达时间戳来源"},
	"growth":                 {"growth of latency", "时延增长"},
	"waited for records":     {"requests that waited for the file of records", "等待写入记录文件的请求"},

	"checks":        {"Checks", "检查项"},
	"check":         {"check", "检查项"},
	"passed":        {"passed", "通过"},
	"share passed":  {"share", "通过率"},
	"SLOs":          {"SLOs", "SLO"},
	"at most":       {"at most", "上限"},
	"missed by":     {"requests that missed it", "未满足的请求"},
	"good requests": {"good requests", "达标请求"},
	"scenario":      {"Scenario %s", "场景 %s"},
	"warm-up":       {"Warm-up", "预热"},
	"warm-up of":    {"%s iterations, %s requests, of which %s failed. They are in no other number.", "%s 次迭代，%s 个请求，其中 %s 个失败。均不计入其他数据。"},
	"traces":        {"Profiler's traces", "性能剖析"},
	"profiler":      {"profiler", "剖析工具"},
	"of":            {"of", "对象"},
	"where":         {"where", "位置"},

	// The slowest requests.
	"slowest":             {"The slowest requests", "最慢的请求"},
	"first rows on paper": {"On paper: the first 20 rows.", "打印时只有前 20 行。"},
	"slowest of":          {"The slowest, those with the latest first tokens and the longest gaps, and those that failed: %d of %s requests.", "最慢的、首 Token 最晚的、Token 间隔最长的以及失败的请求：%d 个，共 %s 个请求。"},
	"at":                  {"at", "时刻"},
	"why":                 {"why", "入选原因"},
	"longest gap":         {"longest gap", "最长间隔"},
	"lag":                 {"start lag", "启动滞后"},
	"input tokens":        {"input tokens", "输入Token"},
	"output tokens":       {"output tokens", "输出Token"},
	"cached tokens":       {"cached tokens", "缓存命中Token"},
	"end":                 {"end", "结束"},
	"took until the end":  {"took", "耗时"},
	"host":                {"host", "主机"},
	"scenario name":       {"scenario", "场景"},

	// Servers, devices, the client.
	"server":                      {"What the server says: %s", "服务端指标：%s"},
	"engines":                     {"engines", "引擎数"},
	"window length":               {"between the two pages", "两次采集间隔"},
	"restarted":                   {"restarted meanwhile", "期间重启过"},
	"requests received":           {"requests received", "收到的请求"},
	"requests finished":           {"requests finished", "完成的请求"},
	"requests seen by the client": {"requests that the client saw end", "客户端看到结束的请求"},
	"client counted":              {"the client counted %s", "客户端计数 %s"},
	"prefix cache hits":           {"prefix cache hits", "前缀缓存命中率"},
	"preemptions":                 {"preemptions", "抢占次数"},
	"draft tokens accepted":       {"draft tokens accepted", "投机推理接受率"},
	"tokens a step":               {"tokens a step", "每步Token数"},
	"TTFT parts":                  {"What the mean TTFT is made of", "平均首Token时延的构成"},
	"part":                        {"part", "组成"},
	"share":                       {"share of the client's", "占客户端时延的比例"},
	"TTFT at the client":          {"TTFT at the client", "客户端 TTFT"},
	"TTFT at the server":          {"TTFT at the server", "服务端 TTFT"},
	"queue":                       {"queue", "排队"},
	"prefill":                     {"prefill", "Prefill"},
	"front end":                   {"front end of the server", "服务端前处理"},
	"network and client":          {"network, proxies, client", "网络、代理与客户端"},
	"server times":                {"Times that the server measures", "服务端自身统计的时延"},
	"gauges":                      {"Gauges", "瞬时指标"},
	"devices and energy":          {"Devices and energy", "设备与能耗"},
	"device":                      {"device", "设备"},
	"readings":                    {"readings", "采样数"},
	"energy":                      {"energy", "能耗"},
	"mean power":                  {"mean power", "平均功率"},
	"energy an output token":      {"energy an output token", "每输出Token能耗"},
	"energy a token":              {"energy a token", "每Token能耗"},
	"tokens per second per watt":  {"output tokens/s per watt", "每瓦输出 Token/s"},
	"energy of":                   {"devices that count", "计入的设备"},
	"energy lacks":                {"devices that told no power", "未报告功率的设备"},
	"client":                      {"The client itself", "客户端自身状况"},
	"client cores":                {"CPUs that it may use", "可用 CPU"},
	"client throttled":            {"throttled", "被限流"},
	"client memory":               {"most memory", "最大内存"},
	"client files":                {"open files", "打开的文件数"},
	"client cores used":           {"CPUs used by weir", "weir 使用的 CPU 数"},
	"client busy":                 {"CPUs busy", "CPU 占用率"},
	"client others":               {"CPUs busy with others", "其他进程占用率"},
	"client steal":                {"stolen by the hypervisor", "被虚拟机管理程序抢占"},
	"client wait":                 {"threads waited for a CPU", "线程等待 CPU 的时间占比"},
	"client turn":                 {"wait for a CPU, ms", "每次等待 CPU，ms"},
	"client pressure":             {"CPU pressure", "CPU 压力"},
	"client sched":                {"goroutines waited for a thread, ms", "协程等待线程，ms"},
	"client loop":                 {"event loop late, ms", "事件循环滞后，ms"},
	"client wake":                 {"timers late, ms", "定时器滞后，ms"},
	"client gc":                   {"garbage collector's pauses, ms", "垃圾回收停顿，ms"},

	// The whole run.
	"parameters":  {"Parameters", "参数"},
	"chosen":      {"chosen by the script", "脚本选定"},
	"service n":   {"Service %s", "服务 %s"},
	"doctor":      {"What weir doctor found", "weir doctor 检查结果"},
	"found":       {"found", "发现"},
	"what to do":  {"what to do", "建议"},
	"monitors":    {"Sources of telemetry", "遥测来源"},
	"source":      {"source", "来源"},
	"every":       {"every", "间隔"},
	"missed":      {"missed", "遗漏"},
	"settings":    {"Settings of weir", "weir 设置"},
	"environment": {"Environment of the client", "客户端环境"},
	"files read":  {"Files that were read", "读取的文件"},
	"path":        {"path", "路径"},
	"size":        {"size", "大小"},

	// Rules of validity, which docs/validity.md explains.
	"rule failed_warmup":         {"The warm-up failed", "预热失败"},
	"rule no_completed_requests": {"No request completed", "没有完成的请求"},
	"rule failed_requests":       {"Requests failed", "有请求失败"},
	"rule failed_dials":          {"Connections failed", "建连失败"},
	"rule client_limit":          {"The client ran out of ports or files", "客户端端口或文件描述符耗尽"},
	"rule interrupted_requests":  {"Requests were cut off", "有请求被截断"},
	"rule interrupted_case":      {"The case was interrupted", "用例被中断"},
	"rule profiled_case":         {"A profiler ran", "运行了性能剖析"},
	"rule failed_iterations":     {"Iterations failed", "有迭代失败"},
	"rule dropped_iterations":    {"Iterations were dropped", "有迭代被丢弃"},
	"rule late_iterations":       {"Iterations started late", "有迭代启动滞后"},
	"rule start_lag":             {"Requests started late", "请求启动滞后"},
	"rule read_lag":              {"The client read late", "客户端读取滞后"},
	"rule event_loop_lag":        {"The event loops were late", "事件循环滞后"},
	"rule user_stamps":           {"No receive stamps from the kernel", "缺少内核接收时间戳"},
	"rule client_cpu":            {"The client lacked CPU", "客户端 CPU 不足"},
	"rule gc_pauses":             {"Pauses of the garbage collector", "垃圾回收停顿"},
	"rule cpu_steal":             {"CPU stolen by the hypervisor", "CPU 被虚拟化平台抢占"},
	"rule slow_records":          {"The file of records was slow", "记录文件写入过慢"},
	"rule short_outputs":         {"Outputs shorter than asked", "输出短于要求"},
	"rule prompt_length":         {"Prompts of another length", "提示词长度偏离"},
	"rule cached_prompts":        {"Prompts hit the prefix cache", "提示词命中前缀缓存"},
	"rule token_counts":          {"Token counts are bounds", "Token计数仅为下界"},
	"rule merged_first_tokens":   {"First tokens not measured", "首Token时刻未能测得"},
	"rule shared_reads":          {"Events shared reads", "多个事件同次读取"},
	"rule retransmissions":       {"TCP retransmitted", "TCP 重传"},
	"rule no_steady_state":       {"No steady state", "未找到稳态"},
	"rule few_samples":           {"Few samples", "样本不足"},

	// Ideas of the glossary; metrics have their names.
	"term throughput":    {"Throughput", "吞吐"},
	"term duration":      {"Duration", "时长"},
	"term percentile":    {"Percentile (p50, p99, …)", "分位数（p50、p99 等）"},
	"term thin":          {"~", "~"},
	"term interval":      {"±", "±"},
	"term window_all":    {"Whole case", "全程窗口"},
	"term window_steady": {"Steady state", "稳态窗口"},
	"term valid":         {"VALID", "VALID（可信）"},
	"term suspect":       {"SUSPECT", "SUSPECT（存疑）"},
	"term invalid":       {"INVALID", "INVALID（无效）"},
	"term growth":        {"Growth", "时延增长"},
}
