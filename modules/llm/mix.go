package llm

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"

	"github.com/dop251/goja"

	"weir/runtime/metrics"
	"weir/runtime/script"
)

// mix is several models, such as the LoRA adapters of one, of which each request gets
// one by chance. Which one depends on the number of the iteration and on the names
// alone, so that a run can be repeated.
type mix struct {
	names []string
	up    []float64 // the weights of a name and all before it
	seed  uint64
}

// model is option model: a name, a list of names, or names with weights.
func model(s *settings, v goja.Value) error {
	o, isObject := v.(*goja.Object)
	if !isObject {
		s.model, s.mix = v.String(), nil
		return nil
	}
	weights := map[string]float64{}
	isList := o.ClassName() == "Array"
	for _, key := range o.Keys() {
		if isList {
			weights[o.Get(key).String()]++
			continue
		}
		w, err := number(o.Get(key), 0, math.MaxFloat64)
		if err != nil {
			return fmt.Errorf("the weight of %s: %w", key, err)
		}
		weights[key] = w
	}
	// The order in which they were given is of no meaning, so it changes nothing.
	m := &mix{names: slices.Sorted(maps.Keys(weights))}
	sum := 0.0
	for _, name := range m.names {
		sum += weights[name]
		m.up = append(m.up, sum)
	}
	switch {
	case len(weights) == 0:
		return fmt.Errorf("the list of models is empty")
	case !(sum > 0) || math.IsInf(sum, 0):
		return fmt.Errorf("the weights of the models must add up to more than 0")
	}
	h := fnv.New64a()
	h.Write([]byte(strings.Join(m.names, "\n")))
	m.seed = h.Sum64()
	s.model, s.mix = "", m
	return nil
}

// draw chooses the model of a request; nil is a request outside of iterations.
func (m *mix) draw(it *metrics.Iteration) string {
	n := uint64(0)
	if it != nil {
		n = uint64(it.Index)
	}
	at := rand.New(rand.NewPCG(m.seed, n)).Float64() * m.up[len(m.up)-1]
	return m.names[min(sort.SearchFloat64s(m.up, at), len(m.names)-1)]
}

// zipf is zipf(names, s?): names with the weights 1/rank^s, of which few are asked for
// often, and many seldom.
func zipf(rt *script.Runtime, c goja.FunctionCall) goja.Value {
	exponent := 1.0
	var err error
	if v := c.Argument(1); !goja.IsUndefined(v) {
		exponent, err = number(v, 0, math.MaxFloat64)
	}
	names, ok := script.Export(c.Argument(0)).([]any)
	if err != nil || !ok || len(names) == 0 {
		rt.Throw(fmt.Errorf("zipf needs a list of names, and an exponent of at least 0"))
	}
	weights := rt.VM().NewObject() // keeps the order of its members
	for i, name := range names {
		if err := weights.Set(fmt.Sprint(name), math.Pow(float64(i+1), -exponent)); err != nil {
			rt.Throw(err)
		}
	}
	return weights
}
