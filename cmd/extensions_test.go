package cmd

import (
	"errors"
	"maps"
	"testing"

	"weir/runtime/metrics"
	"weir/runtime/script"
	"weir/runtime/transport"
)

// recordedExtension notes what weir does with it.
type recordedExtension struct {
	name    string
	did     *[]string
	clients *transport.Clients
}

func (r *recordedExtension) Exports(*script.Runtime) (map[string]any, error) { return nil, nil }
func (r *recordedExtension) UseClients(c *transport.Clients)                 { r.clients = c }
func (r *recordedExtension) Metrics() map[string]metrics.CustomKind {
	return map[string]metrics.CustomKind{"of_" + r.name: metrics.Rate}
}
func (r *recordedExtension) Close() error {
	*r.did = append(*r.did, "close "+r.name)
	return errors.New(r.name + " is stuck")
}

// Every run has modules of its own of what was registered, gives them its connections,
// knows their metrics, and closes them, the last one first. The registrations stay in
// this process; the weir that other tests run is another one.
func TestExtensions(t *testing.T) {
	var did []string
	for _, name := range []string{"a", "b"} {
		script.Register("weir/x/test-"+name, func() script.Module { return &recordedExtension{name: name, did: &did} })
	}
	clients := transport.NewClients(nil, nil)
	defer clients.Close()
	one, two := newModules(clients, nil, &runFlags{}, func() {}), newModules(clients, nil, &runFlags{}, func() {})
	a, ok := one.table["weir/x/test-a"].(*recordedExtension)
	if !ok || a.clients != clients || one.table["weir/x/test-a"] == two.table["weir/x/test-a"] {
		t.Errorf("the table has %+v", one.table["weir/x/test-a"])
	}
	if got, want := one.custom(), (map[string]metrics.CustomKind{"of_a": metrics.Rate, "of_b": metrics.Rate}); !maps.Equal(got, want) {
		t.Errorf("metrics: %v, want %v", got, want)
	}
	err := one.close()
	if want := "closing weir/x/test-b: b is stuck\nclosing weir/x/test-a: a is stuck"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if len(did) != 2 || did[0] != "close b" {
		t.Errorf("closed: %v", did)
	}
	if err := two.close(); err == nil || len(did) != 4 {
		t.Errorf("closed: %v, %v", did, err)
	}
	if all := compiledInExtensions(); len(all) != 2 || all[1].Path != "weir/x/test-b" || all[1].Module != "weir" {
		t.Errorf("listed: %+v", all)
	}
}
