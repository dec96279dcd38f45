package llm

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"sort"
	"strings"

	"github.com/dop251/goja"

	"weir/runtime/metrics"
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
	m := &mix{}
	sum := 0.0
	add := func(name string, weight goja.Value) error {
		w := 1.0
		if weight != nil {
			var err error
			if w, err = number(weight, 0, math.MaxFloat64); err != nil {
				return fmt.Errorf("the weight of %s: %w", name, err)
			}
		}
		sum += w
		m.names, m.up = append(m.names, name), append(m.up, sum)
		return nil
	}
	isList := o.ClassName() == "Array"
	for _, key := range o.Keys() {
		var err error
		if isList {
			err = add(o.Get(key).String(), nil)
		} else {
			err = add(key, o.Get(key))
		}
		if err != nil {
			return err
		}
	}
	if !(sum > 0) || math.IsInf(sum, 0) {
		return fmt.Errorf("the weights of %d models must add up to more than 0", len(m.names))
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

// zipf gives names the weights 1/rank^s: few are asked for often, and many seldom.
func zipf(names []string, s *float64) (map[string]any, error) {
	exponent := 1.0
	if s != nil {
		exponent = *s
	}
	if len(names) == 0 || math.IsNaN(exponent) || exponent < 0 {
		return nil, fmt.Errorf("zipf needs a list of names and an exponent of at least 0")
	}
	weights := make(map[string]any, len(names))
	for i, name := range names {
		weights[name] = math.Pow(float64(i+1), -exponent)
	}
	return weights, nil
}
