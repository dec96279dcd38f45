package machine

import (
	"slices"
	"strings"

	"weir/runtime/result"
)

const maxVariables = 64 // that are kept

// names are the environment variables that bear on a run, besides those that begin
// with ASCEND_: which devices there are, how Go and the tokenizer use the processors,
// and through which proxy requests go.
var names = []string{
	"CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL",
	"GOMAXPROCS", "GOGC", "GOMEMLIMIT", "GODEBUG", "GOTRACEBACK",
	"RAYON_NUM_THREADS", "TOKENIZERS_PARALLELISM", "LD_PRELOAD", "TZ",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
}

// environ is the environment that this process was started with.
func environ(f files) map[string]string {
	all := make(map[string]string)
	for assignment := range strings.SplitSeq(f.text("proc/self/environ"), "\x00") {
		if name, value, ok := strings.Cut(assignment, "="); ok && name != "" {
			all[name] = value
		}
	}
	return all
}

// kept is what the result has of the environment; nil when it has none of it.
func kept(variables map[string]string) map[string]string {
	var found []string
	for name := range variables {
		if (strings.HasPrefix(name, "ASCEND_") || slices.Contains(names, name)) && !result.SecretName(name) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	var all map[string]string
	for _, name := range found[:min(len(found), maxVariables)] {
		if all == nil {
			all = make(map[string]string)
		}
		all[name] = clean(result.HideLogin(variables[name]))
	}
	return all
}
