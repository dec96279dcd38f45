package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Request headers that choose what goes wrong with one request. They overrule
// the server's configuration.
const (
	// FaultHeader names a fault from [Faults], or "none".
	FaultHeader = "X-Sim-Fault"
	// FaultAfterHeader is the number of token events before a fault in the middle of a stream.
	FaultAfterHeader = "X-Sim-Fault-After"
)

// The faults. Those "in mid-stream" strike after FaultAfter token events of a
// stream; an answer that is not streamed meets them in the middle of its body.
const (
	faultNone      = ""
	faultError500  = "500"         // status 500, JSON body
	faultError429  = "429"         // status 429, JSON body, Retry-After: 1
	faultHTML      = "html"        // status 200, an HTML page as of a proxy
	faultErrorBody = "error-event" // mid-stream: an error in the protocol's own form inside status 200, then [DONE] where there is one
	faultBadJSON   = "bad-json"    // mid-stream: an event that is no JSON, then the rest as usual
	faultClose     = "close"       // mid-stream: the connection is closed (FIN)
	faultReset     = "reset"       // mid-stream: the connection is reset (RST)
	faultTruncate  = "truncate"    // mid-stream: a proper end of the body without finish reason and [DONE]
	faultHang      = "hang"        // mid-stream: nothing more, the connection stays open
	faultNoAnswer  = "no-answer"   // not even a head, the connection stays open
	faultStall     = "stall"       // the head and nothing more, the connection stays open
	faultRoleOnly  = "role-only"   // what comes before the first token, such as the role chunk, and a proper end
	faultTrickle   = "trickle"     // everything, byte by byte with TrickleDelay in between
)

// Faults returns the names of all faults.
func Faults() []string {
	return []string{
		faultError500, faultError429, faultHTML, faultErrorBody, faultBadJSON, faultClose, faultReset,
		faultTruncate, faultHang, faultNoAnswer, faultStall, faultRoleOnly, faultTrickle,
	}
}

// fault is what goes wrong with one request.
type fault struct {
	name  string
	after int // token events before it strikes in mid-stream
}

// parseFaults splits a list of fault names.
func parseFaults(list string) ([]string, error) {
	if list == "" {
		return nil, nil
	}
	names := strings.Split(list, ",")
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
		if !slices.Contains(Faults(), names[i]) {
			return nil, fmt.Errorf("no fault is called %q; there are %s", names[i], strings.Join(Faults(), ", "))
		}
	}
	return names, nil
}

// chooseFault draws the fault of the seq-th request from the configuration,
// unless the request's header names one.
func chooseFault(cfg *Config, configured []string, seq uint64, head http.Header) (fault, error) {
	f := fault{after: cfg.FaultAfter}
	if after := head.Get(FaultAfterHeader); after != "" {
		n, err := strconv.Atoi(after)
		if err != nil || n < 0 {
			return f, fmt.Errorf("header %s is %q: expected a number of events", FaultAfterHeader, after)
		}
		f.after = n
	}
	if asked := head.Get(FaultHeader); asked != "" {
		if asked == "none" {
			return f, nil
		}
		names, err := parseFaults(asked)
		if err != nil {
			return f, fmt.Errorf("header %s: %w", FaultHeader, err)
		}
		f.name = names[0]
		return f, nil
	}
	if len(configured) > 0 && cfg.FaultRate > 0 {
		rng := draws(cfg, drawFault, seq)
		if rng.Float64() < cfg.FaultRate {
			f.name = configured[rng.IntN(len(configured))]
		}
	}
	return f, nil
}

const htmlPage = "<!DOCTYPE html>\n<html><head><title>Service temporarily unavailable</title></head>" +
	"<body><h1>Please try again later</h1></body></html>\n"
