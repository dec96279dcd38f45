package telemetry_test

import (
	"fmt"
	"strings"
	"testing"

	"weir/runtime/telemetry"
)

func TestSelection(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		s, err := telemetry.ParseSelection(text)
		if err != nil {
			if want != "" {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		var got []string
		for _, host := range []string{"", "user@far"} {
			for _, kind := range []string{"npu", "gpu", "host"} {
				for i := range 3 {
					if s.Has(host, kind, i) {
						got = append(got, strings.TrimSuffix(fmt.Sprintf("%s%d@%s", kind, i, host), "@"))
					}
				}
			}
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("%q selects %q, want %q", text, g, want)
		}
	}
	f("0", "npu0 gpu0 npu0@user@far gpu0@user@far")
	f("npu:1-9", "npu1 npu2 npu1@user@far npu2@user@far")
	f("npu:0,2@user@far,gpu:1@user@far", "npu0 npu0@user@far npu2@user@far gpu1@user@far")
	f("npu:0@", "npu0") // this machine's
	f("gpu@user@far", "gpu0@user@far gpu1@user@far gpu2@user@far")
	f(" host@ ", "host0 host1 host2")
	f("npu:0,gpu,1@", "npu0 npu1 gpu0 gpu1 gpu2 npu0@user@far gpu0@user@far gpu1@user@far gpu2@user@far")

	for _, wrong := range []string{"", ",", "0,", "tpu", "tpu:0", "npu:", "npu:x", "npu:3-1", "-1", "1-", "0-99999999999", "npu:0:1", "@far"} {
		f(wrong, "")
	}
}

func FuzzParseSelection(f *testing.F) {
	for _, text := range []string{"0-3", "npu:0,2", "host@a@b", "gpu:1-2@far,,"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := telemetry.ParseSelection(text)
		if err == nil && len(s) == 0 {
			t.Errorf("%q selects nothing and is no error", text)
		}
		s.Has("far", "npu", 1)
	})
}
