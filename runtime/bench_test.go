//go:build !race

package runtime_test

import (
	"fmt"
	"testing"
)

// benchmarkIterations plays b.N iterations, 64 at once, on two runtimes: the
// whole way from the executor through the event loop to the recorder.
func benchmarkIterations(b *testing.B, body string) {
	play := loaded(b, fmt.Sprintf(`
		export const options = { vus: 64, iterations: %d, maxDuration: "1h" };
		export default async function (it) { %s }`, b.N, body))
	b.ReportAllocs()
	b.ResetTimer()
	if c := play(b, nil).only(b); c.Counts.Completed != int64(b.N) {
		b.Fatalf("%+v, errors %+v", c.Counts, c.Errors)
	}
}

func BenchmarkEmptyIteration(b *testing.B) { benchmarkIterations(b, ``) }
func BenchmarkOneRequest(b *testing.B)     { benchmarkIterations(b, `await request(0);`) }
func BenchmarkThreeTurnsWithState(b *testing.B) {
	benchmarkIterations(b, `it.state.n = (it.state.n ?? 0) + 1; for (let i = 0; i < 3; i++) await request(0);`)
}
