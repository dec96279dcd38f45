package result

import "time"

// Service is what a service has said of itself when the run asked it, so that it can
// be set up again. What it has not said is absent in JSON.
type Service struct {
	URL     string         `json:"url"` // base, without a user, a password or a query
	Backend string         `json:"backend,omitempty"`
	Asked   time.Time      `json:"asked"`
	Kind    string         `json:"kind,omitempty"` // of the server, such as "vllm"
	Name    string         `json:"name,omitempty"` // the same for readers
	Version string         `json:"version,omitempty"`
	Server  string         `json:"server,omitempty"` // its header of that name
	Models  []ServiceModel `json:"models,omitempty"`
	Limits  *ServiceLimits `json:"limits,omitempty"`

	// Flags are the settings that the server was started with, and what it tells in
	// the same breath, by their names: those within another have a dot between. Values
	// that may be secrets are hidden.
	Flags map[string]string `json:"flags,omitempty"`
	Cache map[string]string `json:"cache,omitempty"` // settings of the KV cache: vLLM's cache_config_info

	Error string `json:"error,omitempty"` // why there is nothing else, or not all
}

// ServiceModel is a model that a service names.
type ServiceModel struct {
	Name        string `json:"name"`
	MaxModelLen int    `json:"max_model_len,omitempty"` // of prompt and answer, tokens; 0: not said
	Root        string `json:"root,omitempty"`          // where the server has it from
}

// ServiceLimits are what a service says that it takes. 0: not said.
type ServiceLimits struct {
	TotalTokens int `json:"total_tokens,omitempty"` // of prompt and answer
	InputTokens int `json:"input_tokens,omitempty"`
	Requests    int `json:"requests,omitempty"` // at the same time
}
