//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/montanaflynn/stats"

	hardware "weir/runtime/machine"
)

// numbers are what was measured, by name.
type numbers map[string]float64

// medians takes the median of each number over the rounds that have it.
func medians(rounds []numbers) numbers {
	values := map[string][]float64{}
	for _, n := range rounds {
		for name, v := range n {
			values[name] = append(values[name], v)
		}
	}
	found := numbers{}
	for name, v := range values {
		found[name], _ = stats.Median(v)
	}
	return found
}

func distance(a, b float64) float64 { return math.Abs(a - b) }

// report is everything that was measured.
type report struct {
	Machine  machine   `json:"machine"`
	Sections []section `json:"sections"`
}

type machine struct {
	CPU    string    `json:"cpu"`
	Cores  int       `json:"cores"`
	Kernel string    `json:"kernel"`
	Go     string    `json:"go"`
	Weir   string    `json:"weir"`
	Date   time.Time `json:"date"`
}

func thisMachine(binary string) (machine, error) {
	version, err := exec.Command(binary, "version").Output()
	if err != nil {
		return machine{}, fmt.Errorf("run %s: %w; make build makes it, -weir names another", binary, err)
	}
	line, _, _ := strings.Cut(string(version), "\n")
	e := hardware.Read(context.Background(), os.DirFS("/"))
	return machine{CPU: e.CPUModel, Cores: e.CPUs, Kernel: e.Kernel, Go: runtime.Version(), Weir: line, Date: time.Now().UTC().Truncate(time.Second)}, nil
}

// section is a table, with the targets that its numbers have.
type section struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Note    string   `json:"note,omitempty"`
	Rows    []row    `json:"rows"`
	Targets []target `json:"targets,omitempty"`

	columns []column // that are printed; the JSON has all
}

type column struct {
	key, head string
	decimals  int
}

type row struct {
	Label   string  `json:"label"`
	Numbers numbers `json:"numbers"`
}

// target is a number that shall not pass a limit.
type target struct {
	What  string  `json:"what"`
	Value float64 `json:"value"`
	Limit float64 `json:"limit"`
	Met   bool    `json:"met"`
}

func (s *section) add(label string, n numbers) { s.Rows = append(s.Rows, row{label, n}) }

func (s *section) atMost(what string, value, limit float64) {
	s.Targets = append(s.Targets, target{what, value, limit, value <= limit})
}

func (r *report) write(w io.Writer) {
	m := r.Machine
	fmt.Fprintf(w, "%s\n%s, %d cores, Linux %s, %s, %s\n", m.Weir, m.CPU, m.Cores, m.Kernel, m.Go, m.Date.Format(time.DateOnly))
	for i := range r.Sections {
		r.Sections[i].write(w)
	}
}

func (s *section) write(w io.Writer) {
	fmt.Fprintf(w, "\n%s\n", s.Title)
	if s.Note != "" {
		fmt.Fprintf(w, "(%s)\n", s.Note)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "\t")
	for _, c := range s.columns {
		fmt.Fprint(table, c.head, "\t")
	}
	fmt.Fprintln(table)
	for _, r := range s.Rows {
		fmt.Fprint(table, r.Label, "\t")
		for _, c := range s.columns {
			if v, ok := r.Numbers[c.key]; ok {
				fmt.Fprintf(table, "%.*f", c.decimals, v)
			}
			fmt.Fprint(table, "\t")
		}
		fmt.Fprintln(table)
	}
	table.Flush()
	for _, t := range s.Targets {
		met := "met"
		if !t.Met {
			met = "NOT MET"
		}
		fmt.Fprintf(w, "  %-8s %s: %.2f, at most %g\n", met, t.What, t.Value, t.Limit)
	}
}

// busy is the share of the machine's cores that a CPU time is of a span, percent.
func (b *bench) busy(cpu, of time.Duration) float64 {
	return 100 * cpu.Seconds() / of.Seconds() / float64(b.report.Machine.Cores)
}

// say tells how far the measurement is.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.out, format+"\n", args...)
}
