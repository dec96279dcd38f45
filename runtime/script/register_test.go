package script_test

import (
	"fmt"
	"strings"
	"testing"

	"weir/runtime/script"
)

// The registrations of this test stay for the life of its program, under a name of their own.
func TestRegister(t *testing.T) {
	make := func() script.Module { return testModule{} }
	f := func(path string, make func() script.Module, want string) {
		t.Helper()
		defer func() {
			if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
				t.Errorf("%q: panic %q, want %q", path, got, want)
			}
		}()
		script.Register(path, make)
	}
	f("weir/x/test.registered", make, "<nil>")
	f("weir/x/a-test/sub", make, "<nil>")
	f("weir/x/test.registered", make, `script.Register("weir/x/test.registered"): weir/runtime/script_test has registered this path already, and now weir/runtime/script_test does`)
	f("weir/llm", make, "the path of an extension is weir/x/NAME")
	f("weir/x", make, "the path of an extension is weir/x/NAME")
	f("weir/x/", make, "the path of an extension is weir/x/NAME")
	f("weir/x/Test", make, "the path of an extension is weir/x/NAME")
	f("weir/x/a/../../llm", make, "the path of an extension is weir/x/NAME")
	f("weir/x/none", nil, "no function that makes the module")

	var paths []string
	for _, e := range script.Extensions() {
		paths = append(paths, e.Path+" of "+e.Package)
	}
	if got, want := strings.Join(paths, ", "), "weir/x/a-test/sub of weir/runtime/script_test, weir/x/test.registered of weir/runtime/script_test"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
