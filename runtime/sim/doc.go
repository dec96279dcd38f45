// Package sim is a simulated LLM inference service: it speaks the protocol of
// an OpenAI-compatible server over real sockets, and its timing follows a model
// that is known exactly. Scenarios can be tried without an accelerator, and the
// numbers that a client reports can be held against the truth.
//
// The way of one request:
//
//  1. server.go reads the whole body; the time at which it was complete is the
//     origin of everything that follows. request.go checks it and counts the
//     prompt's tokens.
//  2. reply.go lays out what will be answered: the tokens of every choice, where
//     they end and why. Nothing about the text is left to chance: equal prompts
//     get equal answers.
//  3. engine.go decides when: it waits for a slot (first come, first served),
//     then yields the steps of the reply, each at its due time (model.go).
//     It knows nothing of HTTP. pacer.go does the waiting.
//  4. stream.go and whole.go write each step to the socket, as chunks in the
//     shape of vLLM or as one JSON object; fault.go spoils the answer on demand.
//  5. log.go keeps the truth: when each event was due and when it was sent.
//     metrics.go shows the state of the service to Prometheus.
//
// The model of time:
//
//	first token   = start + (TTFT + prompt tokens / PrefillRate) · j
//	token k+1     = due time of token k + (ITL + ITLSlope · running) · j
//
// where start is the moment at which the request got its slot (the moment of
// its receipt when one was free), running is the number of sequences in the
// batch at that moment, and j is drawn from 1 ± Jitter. Due times are absolute:
// an event that is sent late does not move the ones after it.
//
// What it does not do: it does not understand prompts, it does not model the
// interference of one request's prefill with the decoding of others, and it does
// not slow down by itself when the machine is too busy to keep the due times;
// the log shows such lateness.
package sim
