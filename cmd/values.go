package cmd

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"weir/runtime/load"
	"weir/runtime/metrics"
)

// instance is the value of --instance: which of how many weirs this is.
type instance struct{ number, of int } // number from 0

func (v *instance) String() string {
	if v.of == 0 {
		return "1/1"
	}
	return fmt.Sprintf("%d/%d", v.number+1, v.of)
}

func (v *instance) Set(text string) error {
	k, n, found := strings.Cut(text, "/")
	number, err := strconv.Atoi(k)
	of, err2 := strconv.Atoi(n)
	if !found || err != nil || err2 != nil || number < 1 || number > of {
		return fmt.Errorf("expected k/n with k from 1 to n, such as 2/3 for the second of three")
	}
	v.number, v.of = number-1, of
	return nil
}

func (*instance) Type() string { return "k/n" }

// addresses is the value of --source-ip, which may be given several times or
// have commas.
type addresses []netip.Addr

func (v *addresses) String() string {
	text := make([]string, len(*v))
	for i, a := range *v {
		text[i] = a.String()
	}
	return strings.Join(text, ",")
}

func (v *addresses) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		a, err := netip.ParseAddr(strings.TrimSpace(part))
		if err != nil {
			return fmt.Errorf("%q is no IP address", part)
		}
		*v = append(*v, a.Unmap())
	}
	return nil
}

func (*addresses) Type() string { return "addresses" }

// slos is the value of --goodput, which may be given several times, have several
// values behind it, or commas. There is one SLO of a latency.
type slos metrics.SLOs

func (v *slos) String() string {
	var text []string
	for _, name := range metrics.SLONames {
		if limit := (*v)[name]; limit > 0 {
			text = append(text, name+":"+strconv.FormatFloat(limit, 'g', -1, 64))
		}
	}
	return strings.Join(text, " ")
}

func (v *slos) Set(text string) error {
	for part := range strings.FieldsFuncSeq(text, func(c rune) bool { return c == ',' || c == ' ' }) {
		name, value, found := strings.Cut(part, ":")
		if !found {
			return fmt.Errorf("%q is no SLO; write ttft:500, in milliseconds", part)
		}
		limit, err := load.ParseDuration(value)
		if err != nil {
			return err
		}
		if err := metrics.CheckSLO(name, float64(limit)/1e6); err != nil {
			return err
		}
		if *v == nil {
			*v = slos{}
		}
		if _, twice := (*v)[name]; twice {
			return fmt.Errorf("there are two SLOs of %s; give one", name)
		}
		(*v)[name] = float64(limit) / 1e6
	}
	return nil
}

func (*slos) Type() string { return "SLOs" }

// limits is the value of --threshold, which may be given several times.
type limits []limit

type limit struct {
	on         metrics.Selector
	expr, text string
}

func (v *limits) texts() []string {
	var all []string
	for _, l := range *v {
		all = append(all, l.text)
	}
	return all
}

// byMetric are the expressions by what they are on.
func (v *limits) byMetric() map[string][]string {
	all := map[string][]string{}
	for _, l := range *v {
		all[l.on.String()] = append(all[l.on.String()], l.expr)
	}
	return all
}

func (v *limits) String() string { return strings.Join(v.texts(), " ") }

func (v *limits) Set(text string) error {
	on, expr, err := metrics.ParseLimit(text)
	if err == nil {
		_, err = metrics.ParseThreshold(expr)
	}
	if err != nil {
		return err
	}
	*v = append(*v, limit{on, expr, text})
	return nil
}

func (*limits) Type() string { return "threshold" }

// another tells whether an argument that follows one of --goodput's values is
// its next one.
func (*slos) another(arg string) bool { return nextSLO.MatchString(arg) }

var nextSLO = regexp.MustCompile(`^[a-z0-9_]+:[0-9.]+[a-z0-9.]*(,[a-z0-9_]+:[0-9.]+[a-z0-9.]*)*$`)
