// Package sim is a simulated LLM inference service: it speaks the protocols of
// such services over real sockets, each in its own form, and its timing follows a
// model that is known exactly. Scenarios can be tried without an accelerator, and the
// numbers that a client reports can be held against the truth.
//
// The way of one request:
//
//  1. server.go reads the whole body; the arrival of its last byte, as the kernel
//     stamped it (connection.go), is the origin of everything that follows. The
//     path, or the body where protocols share one, chooses the protocol
//     (dialect.go), whose file reads the body into a request (request.go,
//     parameters.go) and counts the prompt's tokens (counting.go).
//  2. reply.go lays out what will be answered: the tokens of every choice, where
//     they end and why. Nothing about the text is left to chance: equal prompts
//     get equal answers.
//  3. engine.go decides when: it waits for a slot (first come, first served),
//     then yields the steps of the reply, each at its due time (model.go).
//     It knows nothing of HTTP. Package pacer does the waiting.
//  4. stream.go and whole.go write each step to the socket, as an event or as one
//     JSON object. They know no protocol: its file appends the bytes (openai.go,
//     tools.go, responses.go, anthropic.go, vllm.go, sglang.go, tgi.go,
//     llamacpp.go, triton.go, mindie.go, mindspore.go, base.go, pooling.go).
//     fault.go spoils the answer on demand.
//  5. log.go keeps the truth: when each event was due, when it was sent and how
//     long the kernel took to take it. logfile.go writes it to a file after the
//     request's end. metrics.go shows the state of the service to Prometheus, and
//     discovery.go what kind of service it is; profile.go pretends to profile it.
//
// The model of time:
//
//	first token   = start + (TTFT + (prompt tokens − cached ones) / PrefillRate) · j
//	token k+1     = due time of token k + (ITL + ITLSlope · running) · j
//
// where start is the moment at which the request got its slot (the moment of
// its receipt when one was free, or the end of reading a body that took more than
// 50 ms), running is the number of sequences in the
// batch at that moment, and j is drawn from 1 ± Jitter. Tokens are cached when a prefix cache is
// turned on and has them (prefix.go). Due times are absolute:
// an event that is sent late does not move the ones after it.
//
// What it costs: an event is one system call, done by the pacer for all streams
// in turn, in the order of their due times. A client that does not read holds up
// its own stream only, which is then written by its request's goroutine. The log
// keeps 24 bytes of an event. On a machine that the client shares, the write
// itself is most of the cost: the kernel delivers the event to the receiving
// socket, and wakes its reader, within the sender's system call.
//
// So on one machine the kernel's receive stamp of an event lies between
// [Event.Sent] and Sent + [Event.Took], whoever is late, as long as the client
// reads: these bounds hold for a starved simulator too.
//
// Embeddings and reranking make no tokens: they take the time to the first token,
// and are answered then.
//
// To add a protocol, write its dialect in a file of its own and add it to the
// list in dialect.go.
//
// What it does not do: it does not understand prompts, it does not model the
// interference of one request's prefill with the decoding of others, and it does
// not slow down by itself when the machine is too busy to keep the due times;
// the log and the histogram weir_sim:send_lateness_seconds show such lateness.
package sim
