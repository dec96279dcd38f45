package result

// Family is a kind of requests that has a table of its own wherever cases are shown.
type Family int

const (
	Generations Family = iota // answers with tokens
	Pooling                   // embeddings and rankings
	PlainHTTP                 // requests that are no inference
	Idle                      // no requests at all
)

// Families are those that the case is of: with both generations and plain requests, two.
func (c *Case) Families() (all []Family) {
	plain := c.Metrics["http_req_duration"] != nil
	switch {
	case c.Metrics["prompt_tokens"] != nil && c.Metrics["generated_tokens"] == nil:
		all = append(all, Pooling)
	case c.Metrics["generated_tokens"] != nil, c.Counts.Requests > 0 && !plain:
		all = append(all, Generations)
	case !plain:
		all = append(all, Idle)
	}
	if plain {
		all = append(all, PlainHTTP)
	}
	return all
}
