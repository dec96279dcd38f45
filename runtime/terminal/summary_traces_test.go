package terminal_test

import (
	"strings"
	"testing"

	"weir/runtime/result"
	"weir/runtime/result/resulttest"
	"weir/runtime/terminal"
)

func TestSummaryTellsTraces(t *testing.T) {
	first, second := resulttest.LLMCase("parallel 1", 320, 166.4189), resulttest.LLMCase("parallel 2", 320, 166.4189)
	vllm := result.Trace{Profiler: "vllm", Target: "http://10.0.0.1:8000"}
	spy := result.Trace{Profiler: "py-spy", Target: "py-spy record", Where: "one.svg"}
	first.Profile = []result.Trace{vllm, spy}
	spy.Where, spy.Error = "two.svg", "it was killed"
	second.Profile = []result.Trace{vllm, spy}
	var b strings.Builder
	if err := terminal.Summary(&b, resulttest.Run(first, second), terminal.SummaryOptions{Width: 120}); err != nil {
		t.Fatal(err)
	}
	want := "\nTraces\n" +
		"  vllm (http://10.0.0.1:8000): where the profiler was told to write it — in all cases\n" +
		"  py-spy (py-spy record): one.svg — case \"parallel 1\"\n" +
		"  py-spy (py-spy record): ! it was killed — case \"parallel 2\"\n"
	if !strings.Contains(b.String(), want) {
		t.Errorf("want%s\n%s", want, b.String())
	}
}
