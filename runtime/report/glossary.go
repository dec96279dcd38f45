package report

// A glossary entry says in words what docs/metrics.md defines: what is shown on hover,
// and at the end of the page.
type entry struct {
	Name string // as in result.json; of an idea that is no metric, its key
	word        // the definition
}

// Definition is what a metric means, in words; "" for a name that weir does not have.
func (l Lang) Definition(name string) string {
	for _, e := range glossary {
		if e.Name == name {
			if l == Chinese {
				return e.zh
			}
			return e.en
		}
	}
	return ""
}

// glossary has every metric of weir, in the order in which a case shows them, and then
// the ideas behind the columns.
var glossary = []entry{
	{"ttft", word{
		"Time to first token: from the first byte of the request given to the kernel to the first token event, be it content or reasoning. The connection is open by then.",
		"首Token时延：从请求的首字节交给内核，到第一个Token事件（正文或思考内容）到达。此时连接已经建立，不含建连时间。"}},
	{"ttft_upper_bound", word{
		"The same for answers whose first token shared its read with later ones: it came at that time at the latest. Such answers have no ttft.",
		"首Token与后续数据在同一次读取中到达时的首Token时延上界：最迟在该时刻到达。这类请求没有 ttft。"}},
	{"ttfo", word{
		"Time to first output: to the first text of the answer itself. Reasoning and arguments of tool calls are none.",
		"首个输出时延：到第一个正文Token的时间，不计思考内容和工具调用的参数。"}},
	{"ttst", word{
		"Time to second token: from the first token event to the second.",
		"第二个Token时延：从第一个Token事件到第二个Token事件。"}},
	{"tpot", word{
		"Time per output token of one request: (last token − first token) / (output tokens − 1).",
		"单请求的平均每Token时延：（末Token时刻 − 首Token时刻）/（输出Token数 − 1）。"}},
	{"tpot_from_second", word{
		"tpot without the gap between the first two tokens: (last token − second token) / (output tokens − 2).",
		"不含前两个Token之间间隔的 TPOT：（末Token时刻 − 第二个Token时刻）/（输出Token数 − 2）。"}},
	{"itl", word{
		"Inter-token latency: the gap between a token event and the one before, one sample a gap, over all requests.",
		"Token间时延：相邻两个Token事件之间的间隔，每个间隔一个样本，汇总所有请求。"}},
	{"itl_decode", word{
		"Decode latency: the gaps of itl that overlap no request's prefill, so that only decoding went on.",
		"增量时延：itl 中不与任何请求的 Prefill 阶段重叠的间隔，即仅有 Decode 时的间隔。"}},
	{"tokens_per_event", word{
		"Output tokens a token event: how many tokens a gap of itl stands for.",
		"每个事件的Token数：itl 的一个间隔对应多少个输出Token。"}},
	{"decode_per_token", word{
		"(last token − first token) / output tokens: tpot with all output tokens in the divisor.",
		"（末Token时刻 − 首Token时刻）/ 输出Token数：分母为全部输出Token的 TPOT。"}},
	{"decode_speed", word{
		"How fast one answer comes once it comes: output tokens / (last token − first token).",
		"单请求的解码速度：输出Token数 /（末Token时刻 − 首Token时刻）。"}},
	{"e2el", word{
		"End-to-end latency: from the start of the request to its last token; of an answer that is not streamed, to its end.",
		"端到端时延：从请求开始到末Token到达；非流式响应则到响应结束。"}},
	{"ttft_from_schedule", word{
		"ttft counted from when the schedule wanted the request: the wait of a client that cannot keep up is in it.",
		"从计划时刻起算的首Token时延：客户端来不及发送时的等待也计算在内。"}},
	{"ttfo_from_schedule", word{
		"ttfo counted from when the schedule wanted the request.",
		"从计划时刻起算的首个输出时延。"}},
	{"e2el_from_schedule", word{
		"e2el counted from when the schedule wanted the request: what a user would have seen.",
		"从计划时刻起算的端到端时延：用户实际感受到的时延。"}},
	{"http_req_duration", word{
		"Of a plain HTTP request: from its start to the end of the response, without the time to connect.",
		"普通HTTP请求的耗时：从开始到响应结束，不含建连时间。"}},
	{"http_req_waiting", word{
		"Of a plain HTTP request: from its start to the complete head of the response.",
		"普通HTTP请求的等待时间：从开始到响应头接收完毕。"}},
	{"http_req_duration_from_schedule", word{
		"http_req_duration counted from when the schedule wanted the request.",
		"从计划时刻起算的 http_req_duration。"}},
	{"response_head", word{
		"From the start of the request to the complete head of the response.",
		"响应头时延：从请求开始到响应头接收完毕。"}},
	{"upload_time", word{
		"How long it took to give the request to the kernel; a large prompt or an image has to wait until the service takes it.",
		"上传时间：把整个请求交给内核所用的时间；较长的提示词或图片需等待服务端接收。"}},
	{"start_lag", word{
		"How late the client was: start of the request − its scheduled time.",
		"启动滞后：请求实际开始时刻 − 计划时刻，反映客户端是否跟得上。"}},
	{"prefill_wait", word{
		"How long a request waited before its start because as many others were in prefill as maxPrefill allows.",
		"Prefill 等待：因处于 Prefill 阶段的请求数已达 maxPrefill 上限，请求在开始前等待的时间。"}},
	{"read_lag", word{
		"How long what had arrived waited in the kernel until the client read it: a busy client's own delay, which is in no other latency.",
		"读取滞后：数据到达内核后等待客户端读取的时间，是客户端自身的延迟，不计入其他时延。"}},
	{"input_tokens", word{"Tokens of the prompt, per request.", "每个请求的输入Token数。"}},
	{"output_tokens", word{"Tokens of the answer per request, reasoning included.", "每个请求的输出Token数，含思考内容。"}},
	{"reasoning_tokens", word{"Of the output tokens, those of reasoning, per request.", "每个请求输出Token中属于思考内容的数量。"}},
	{"cached_tokens", word{
		"Prompt tokens that the service took from its prefix cache, as it reports.",
		"服务端报告的、命中前缀缓存（Prefix Cache）的输入Token数。"}},
	{"dns_time", word{"Looking up the host's name, one sample a connection.", "域名解析时间，每个连接一个样本。"}},
	{"connect_time", word{"Opening the TCP connection, one sample a connection.", "TCP 建连时间，每个连接一个样本。"}},
	{"tls_time", word{"The TLS handshake, one sample a connection.", "TLS 握手时间，每个连接一个样本。"}},
	{"request_bytes", word{"Head and body of a request as they went over the connection.", "请求（头和体）在连接上传输的字节数。"}},
	{"response_bytes", word{"Head and body of a response as they came over the connection.", "响应（头和体）在连接上传输的字节数。"}},
	{"request_failed", word{
		"Share of requests that failed: failed / (completed + failed).",
		"请求失败率：失败数 /（完成数 + 失败数）。"}},
	{"iteration_failed", word{
		"Share of iterations that ended with an exception of the script.",
		"迭代失败率：因脚本异常而结束的迭代所占比例。"}},
	{"checks", word{"Share of the script's checks that passed.", "脚本检查项（check）的通过率。"}},
	{"goodput", word{
		"Requests that completed and kept every SLO that was given: their share, and how many of them a second.",
		"有效吞吐：成功完成且满足全部 SLO 的请求的占比，以及每秒的数量。"}},
	{"requests", word{"Requests that completed, and how many of them a second.", "完成的请求数及每秒完成数。"}},
	{"prompt_tokens", word{"Input tokens of completed requests, and how many of them a second.", "已完成请求的输入Token总数及每秒数量。"}},
	{"generated_tokens", word{"Output tokens of completed requests, and how many of them a second.", "已完成请求的输出Token总数及每秒数量。"}},
	{"throughput", word{
		"Totals of completed requests divided by the duration of the case, from its first request's start to its last one's end.",
		"吞吐：已完成请求的总量除以用例时长（首个请求开始到最后一个请求结束）。"}},
	{"duration", word{
		"From the first request's start to the last one's end, failed ones and pauses included.",
		"时长：从首个请求开始到最后一个请求结束，含失败的请求和中间的停顿。"}},
	{"percentile", word{
		"p99 is the value that 99 % of the samples do not exceed. Between two samples it is interpolated linearly, as numpy does.",
		"分位数：p99 表示 99% 的样本不超过该值；样本之间线性插值，与 numpy 默认一致。"}},
	{"thin", word{
		"From fewer samples than it takes to know this percentile with 99 % confidence (64 for p90, 130 for p95, 662 for p99, 6,636 for p99.9). It is what was seen, and no more.",
		"带 ~ 标记：样本数少于以 99% 置信度确定该分位数所需的数量（p90 需 64，p95 需 130，p99 需 662，p99.9 需 6,636），仅代表本次观测。"}},
	{"interval", word{
		"The true mean is within ± of the shown one with 95 % confidence.",
		"± 为均值的 95% 置信区间。"}},
	{"window_all", word{
		"Everything from the first request's start to the last one's end.",
		"全程窗口：从首个请求开始到最后一个请求结束。"}},
	{"window_steady", word{
		"The part of the case in which the load was steady: without warming up and draining.",
		"稳态窗口：负载稳定的时段，去除起始爬升和结尾收敛阶段。"}},
	{"valid", word{"VALID: none of the rules found anything.", "VALID（可信）：没有任何规则发现问题。"}},
	{"suspect", word{
		"SUSPECT: the numbers are right, but some may not mean what they seem to. Read the reason.",
		"SUSPECT（存疑）：数值本身正确，但含义可能与表面不同，请阅读原因。"}},
	{"invalid", word{"INVALID: do not use the numbers. Read the reason.", "INVALID（无效）：请勿使用这些数值，请阅读原因。"}},
	{"growth", word{
		"How latencies grew during the case: seconds of latency a second of schedule. Near 0 when the service keeps up.",
		"时延增长：每过一秒（按计划时间），时延增加多少秒。服务跟得上时接近 0。"}},
}
