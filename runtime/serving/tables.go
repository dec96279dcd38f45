package serving

// server is how one kind of server names what it tells.
type server struct {
	kind string
	// marks are names that only its pages have; one that ends in * is the beginning of such.
	marks []string
	// replicas are labels of ranks that all tell the same of one engine: the first
	// of them is read.
	replicas []string

	gauges   []rule
	counters []rule
	times    []rule
}

// rule says where something is found.
type rule struct {
	what string
	// from are the names that it has had, the newest first: the first that the page
	// has is read. "a + b" is the sum of two, a{label=value} the series with that
	// label. A counter that is found to be a histogram or a summary is its sum.
	from  []string
	scale float64 // what the number is multiplied by; 0: 1
	mean  bool    // several engines' gauges: their mean, and the highest under …_max; otherwise their sum
	part  string  // label whose values are told apart
	// per: the number is divided by this one. Of a time, from is then a counter of
	// time, and per one of what it was spent on, such as requests.
	per []string
}

// The names of gauges in results and on the time line. A name ends in its unit; those
// without one are numbers of requests.
const (
	Running     = "running"
	Waiting     = "waiting"
	Swapped     = "swapped"
	KVCache     = "kv_cache_pct"     // used
	PrefixHit   = "prefix_cache_pct" // hits, over a while that the server chooses
	Generation  = "generation_tokens_per_s"
	Acceptance  = "acceptance_pct" // of draft tokens, over a while that the server chooses
	AcceptedLen = "accepted_length_tokens"
)

// The names of counters.
const (
	received    = "received"
	finished    = "finished"
	failed      = "failed"
	promptIn    = "prompt_tokens"
	generated   = "generation_tokens"
	queries     = "prefix_cache_queries"
	hits        = "prefix_cache_hits"
	preemptions = "preemptions"
	drafts      = "drafts"
	draftTokens = "draft_tokens"
	accepted    = "accepted_tokens"
	acceptedPos = "accepted_tokens_per_position"
)

// The names of times.
const (
	TTFT         = "ttft"
	ITL          = "itl"
	TPOT         = "tpot"
	E2EL         = "e2el"
	Queue        = "queue"
	Prefill      = "prefill"
	Decode       = "decode"
	Inference    = "inference"
	TimePerToken = "time_per_token" // inference over tokens, the prefill included
	SendLateness = "send_lateness"  // of the simulator: how late it sent what was due
)

// Factors to milliseconds, and to percent.
const (
	seconds      = 1000
	microseconds = 0.001
	fraction     = 100
)

// servers are all kinds. Where a page is of several, such as of Triton with its vLLM
// backend, the first one that tells something is believed. docs/server-metrics.md
// says where the names were seen.
var servers = []server{
	{
		kind:  "vllm", // 0.4 … 0.32, V0 and V1, vLLM-Ascend
		marks: []string{"vllm:*"},
		gauges: []rule{
			{what: Running, from: []string{"vllm:num_requests_running"}},
			{what: Waiting, from: []string{"vllm:num_requests_waiting"}},
			{what: Swapped, from: []string{"vllm:num_requests_swapped"}},
			{what: KVCache, from: []string{"vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc", "vllm:npu_cache_usage_perc"}, scale: fraction, mean: true},
			{what: PrefixHit, from: []string{"vllm:gpu_prefix_cache_hit_rate"}, scale: fraction, mean: true},
			{what: Acceptance, from: []string{"vllm:spec_decode_draft_acceptance_rate"}, scale: fraction, mean: true},
		},
		counters: []rule{
			{what: finished, from: []string{"vllm:request_success_total"}, part: "finished_reason"},
			{what: promptIn, from: []string{"vllm:prompt_tokens_total"}},
			{what: generated, from: []string{"vllm:generation_tokens_total"}},
			{what: queries, from: []string{"vllm:prefix_cache_queries_total", "vllm:gpu_prefix_cache_queries_total"}},
			{what: hits, from: []string{"vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total"}},
			{what: preemptions, from: []string{"vllm:num_preemptions_total"}},
			{what: drafts, from: []string{"vllm:spec_decode_num_drafts_total"}},
			{what: draftTokens, from: []string{"vllm:spec_decode_num_draft_tokens_total"}},
			{what: accepted, from: []string{"vllm:spec_decode_num_accepted_tokens_total"}},
			{what: acceptedPos, from: []string{"vllm:spec_decode_num_accepted_tokens_per_pos_total"}, part: "position"},
		},
		times: []rule{
			{what: TTFT, from: []string{"vllm:time_to_first_token_seconds"}, scale: seconds},
			{what: ITL, from: []string{"vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"}, scale: seconds},
			{what: TPOT, from: []string{"vllm:request_time_per_output_token_seconds"}, scale: seconds},
			{what: E2EL, from: []string{"vllm:e2e_request_latency_seconds"}, scale: seconds},
			{what: Queue, from: []string{"vllm:request_queue_time_seconds", "vllm:time_in_queue_requests"}, scale: seconds},
			{what: Prefill, from: []string{"vllm:request_prefill_time_seconds"}, scale: seconds},
			{what: Decode, from: []string{"vllm:request_decode_time_seconds"}, scale: seconds},
			{what: Inference, from: []string{"vllm:request_inference_time_seconds"}, scale: seconds},
		},
	},
	{
		kind:     "sglang", // 0.4 … 0.5
		marks:    []string{"sglang:*"},
		replicas: []string{"tp_rank", "pp_rank", "moe_ep_rank"},
		gauges: []rule{
			{what: Running, from: []string{"sglang:num_running_reqs"}},
			{what: Waiting, from: []string{"sglang:num_queue_reqs"}},
			{what: KVCache, from: []string{"sglang:token_usage"}, scale: fraction, mean: true},
			{what: PrefixHit, from: []string{"sglang:cache_hit_rate"}, scale: fraction, mean: true},
			{what: Generation, from: []string{"sglang:gen_throughput"}},
			{what: Acceptance, from: []string{"sglang:spec_accept_rate"}, scale: fraction, mean: true},
			{what: AcceptedLen, from: []string{"sglang:spec_accept_length"}, mean: true},
		},
		counters: []rule{
			{what: finished, from: []string{"sglang:num_requests_total"}},
			{what: failed, from: []string{"sglang:num_aborted_requests_total"}},
			{what: promptIn, from: []string{"sglang:prompt_tokens_total"}},
			{what: generated, from: []string{"sglang:generation_tokens_total"}},
			{what: queries, from: []string{"sglang:prompt_tokens_total"}},
			{what: hits, from: []string{"sglang:cached_tokens_total"}},
			{what: preemptions, from: []string{"sglang:num_retracted_requests_total"}},
		},
		times: []rule{
			{what: TTFT, from: []string{"sglang:time_to_first_token_seconds"}, scale: seconds},
			{what: ITL, from: []string{"sglang:inter_token_latency_seconds", "sglang:inter_token_latency"}, scale: seconds},
			{what: TPOT, from: []string{"sglang:time_per_output_token_seconds"}, scale: seconds},
			{what: E2EL, from: []string{"sglang:e2e_request_latency_seconds"}, scale: seconds},
			{what: Queue, from: []string{"sglang:queue_time_seconds"}, scale: seconds},
			{what: Prefill, from: []string{"sglang:per_stage_req_latency_seconds{stage=prefill_forward}"}, scale: seconds},
		},
	},
	{
		kind:  "tgi", // 1 … 3
		marks: []string{"tgi_*"},
		gauges: []rule{
			{what: Running, from: []string{"tgi_batch_current_size"}},
			{what: Waiting, from: []string{"tgi_queue_size"}},
		},
		counters: []rule{
			{what: received, from: []string{"tgi_request_count"}},
			{what: finished, from: []string{"tgi_request_success"}},
			{what: failed, from: []string{"tgi_request_failure"}},
			{what: promptIn, from: []string{"tgi_request_input_length"}},
			{what: generated, from: []string{"tgi_request_generated_tokens"}},
		},
		times: []rule{
			{what: E2EL, from: []string{"tgi_request_duration"}, scale: seconds},
			{what: Queue, from: []string{"tgi_request_queue_duration"}, scale: seconds},
			{what: Inference, from: []string{"tgi_request_inference_duration"}, scale: seconds},
			{what: TimePerToken, from: []string{"tgi_request_mean_time_per_token_duration"}, scale: seconds},
		},
	},
	{
		kind:  "mindie", // 1.0 … 2.x
		marks: []string{"npu_cache_usage_perc", "npu_prefix_cache_hit_rate", "request_received_total"},
		gauges: []rule{
			{what: Running, from: []string{"num_requests_running"}},
			{what: Waiting, from: []string{"num_requests_waiting"}},
			{what: Swapped, from: []string{"num_requests_swapped"}},
			{what: KVCache, from: []string{"npu_cache_usage_perc"}, scale: fraction, mean: true},
			{what: PrefixHit, from: []string{"npu_prefix_cache_hit_rate"}, scale: fraction, mean: true},
			{what: Generation, from: []string{"avg_generation_throughput_toks_per_s"}},
		},
		counters: []rule{
			{what: received, from: []string{"request_received_total"}},
			{what: finished, from: []string{"request_success_total"}},
			{what: failed, from: []string{"request_failed_total"}},
			{what: promptIn, from: []string{"prompt_tokens_total"}},
			{what: generated, from: []string{"generation_tokens_total"}},
			{what: preemptions, from: []string{"num_preemptions_total"}},
		},
		times: []rule{
			{what: TTFT, from: []string{"time_to_first_token_seconds"}, scale: seconds},
			{what: ITL, from: []string{"time_per_output_token_seconds"}, scale: seconds},
			{what: E2EL, from: []string{"e2e_request_latency_seconds"}, scale: seconds},
		},
	},
	{
		kind:  "llamacpp",
		marks: []string{"llamacpp:*"},
		gauges: []rule{
			{what: Running, from: []string{"llamacpp:requests_processing"}},
			{what: Waiting, from: []string{"llamacpp:requests_deferred"}},
			{what: KVCache, from: []string{"llamacpp:kv_cache_usage_ratio"}, scale: fraction, mean: true},
		},
		counters: []rule{
			{what: promptIn, from: []string{"llamacpp:prompt_tokens_total + llamacpp:prompt_tokens_cached_total", "llamacpp:prompt_tokens_total"}},
			{what: generated, from: []string{"llamacpp:tokens_predicted_total"}},
			{what: queries, from: []string{"llamacpp:prompt_tokens_total + llamacpp:prompt_tokens_cached_total"}},
			{what: hits, from: []string{"llamacpp:prompt_tokens_cached_total"}},
			{what: drafts, from: []string{"llamacpp:spec_decode_num_drafts_total"}},
			{what: draftTokens, from: []string{"llamacpp:spec_decode_num_draft_tokens_total"}},
			{what: accepted, from: []string{"llamacpp:spec_decode_num_accepted_tokens_total"}},
		},
		times: []rule{
			{what: Prefill, from: []string{"llamacpp:prompt_seconds_total"}, scale: seconds},
			{what: TPOT, from: []string{"llamacpp:tokens_predicted_seconds_total"}, scale: seconds, per: []string{"llamacpp:tokens_predicted_total"}},
		},
	},
	{
		kind:  "lmdeploy",
		marks: []string{"lmdeploy:*"},
		gauges: []rule{
			{what: Running, from: []string{"lmdeploy:num_requests_running"}},
			{what: Waiting, from: []string{"lmdeploy:num_requests_waiting"}},
			{what: KVCache, from: []string{"lmdeploy:gpu_cache_usage_perc"}, scale: fraction, mean: true},
		},
		counters: []rule{
			{what: finished, from: []string{"lmdeploy:request_success_total"}, part: "finished_reason"},
			{what: promptIn, from: []string{"lmdeploy:prompt_tokens_total"}},
			{what: generated, from: []string{"lmdeploy:generation_tokens_total"}},
			{what: drafts, from: []string{"lmdeploy:spec_decode_num_drafts_total"}},
			{what: draftTokens, from: []string{"lmdeploy:spec_decode_num_draft_tokens_total"}},
			{what: accepted, from: []string{"lmdeploy:spec_decode_num_accepted_tokens_total"}},
			{what: acceptedPos, from: []string{"lmdeploy:spec_decode_num_accepted_tokens_per_pos_total"}, part: "position"},
		},
		times: []rule{
			{what: TTFT, from: []string{"lmdeploy:time_to_first_token_seconds"}, scale: seconds},
			{what: ITL, from: []string{"lmdeploy:iter_token_latency"}, scale: seconds},
			{what: TPOT, from: []string{"lmdeploy:time_per_output_token_seconds"}, scale: seconds},
			{what: E2EL, from: []string{"lmdeploy:e2e_request_latency_seconds"}, scale: seconds},
			{what: Queue, from: []string{"lmdeploy:request_queue_time_seconds"}, scale: seconds},
			{what: Prefill, from: []string{"lmdeploy:request_prefill_time_seconds"}, scale: seconds},
			{what: Decode, from: []string{"lmdeploy:request_decode_time_seconds"}, scale: seconds},
			{what: Inference, from: []string{"lmdeploy:request_inference_time_seconds"}, scale: seconds},
		},
	},
	{
		kind:  "tensorrt-llm", // trtllm-serve; with a colon where NVIDIA Dynamo adds the prefix
		marks: []string{"trtllm_*", "trtllm:*"},
		gauges: []rule{
			{what: Running, from: []string{"trtllm_num_requests_running"}},
			{what: Waiting, from: []string{"trtllm_num_requests_waiting"}},
			{what: KVCache, from: []string{"trtllm_kv_cache_utilization"}, scale: fraction, mean: true},
			{what: PrefixHit, from: []string{"trtllm_kv_cache_hit_rate"}, scale: fraction, mean: true},
		},
		counters: []rule{
			{what: finished, from: []string{"trtllm_request_success_total", "trtllm:request_success_total"}, part: "finished_reason"},
			{what: generated, from: []string{"trtllm_generation_tokens_total"}},
		},
		times: []rule{
			{what: TTFT, from: []string{"trtllm_time_to_first_token_seconds", "trtllm:time_to_first_token_seconds"}, scale: seconds},
			{what: TPOT, from: []string{"trtllm_time_per_output_token_seconds", "trtllm:time_per_output_token_seconds"}, scale: seconds},
			{what: E2EL, from: []string{"trtllm_e2e_request_latency_seconds", "trtllm:e2e_request_latency_seconds"}, scale: seconds},
			{what: Queue, from: []string{"trtllm_request_queue_time_seconds", "trtllm:request_queue_time_seconds"}, scale: seconds},
		},
	},
	{
		kind:  "triton", // with any backend; the TensorRT-LLM backend's own names, too
		marks: []string{"nv_inference_*", "nv_trt_llm_*"},
		gauges: []rule{
			{what: Running, from: []string{"nv_trt_llm_request_metrics{request_type=scheduled}"}},
			{what: Waiting, from: []string{"nv_trt_llm_request_metrics{request_type=waiting}", "nv_inference_pending_request_count"}},
			{what: KVCache, from: []string{"nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=fraction}"}, scale: fraction, mean: true},
			{what: KVCache, from: []string{"nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=used}"},
				per: []string{"nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=max}"}, scale: fraction},
		},
		counters: []rule{
			{what: finished, from: []string{"nv_inference_request_success"}},
			{what: failed, from: []string{"nv_inference_request_failure"}},
		},
		times: []rule{
			{what: TTFT, from: []string{"nv_inference_first_response_histogram_ms"}},
			{what: E2EL, from: []string{"nv_inference_request_duration_us"}, scale: microseconds, per: []string{"nv_inference_request_success"}},
			{what: Queue, from: []string{"nv_inference_queue_duration_us"}, scale: microseconds, per: []string{"nv_inference_request_success"}},
			{what: Inference, from: []string{"nv_inference_compute_infer_duration_us"}, scale: microseconds, per: []string{"nv_inference_request_success"}},
		},
	},
	{
		kind:  "weir-sim", // weir's own, which has vLLM's names besides
		marks: []string{"weir_sim:*"},
		times: []rule{
			{what: SendLateness, from: []string{"weir_sim:send_lateness_seconds"}, scale: seconds},
		},
	},
}
