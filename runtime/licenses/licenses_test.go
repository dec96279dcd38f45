package licenses_test

import (
	"bytes"
	"reflect"
	"testing"

	"weir/runtime/licenses"
)

func TestRead(t *testing.T) {
	list := &licenses.List{
		Target:       "linux/arm64",
		Dependencies: []licenses.Dependency{{Kind: "go", Name: "example.com/a", Version: "v1.0.0", License: "MIT", Texts: []string{"1"}}, {Kind: "rust", Name: "b"}},
		Texts:        map[string]string{"1": "Permission is hereby granted …"},
	}
	write := func() []byte {
		t.Helper()
		var b bytes.Buffer
		if err := list.Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	whole := write()
	if !bytes.Equal(whole, write()) {
		t.Error("the same list makes other bytes")
	}
	f := func(content []byte, ok bool) {
		t.Helper()
		got, err := licenses.Read(bytes.NewReader(content))
		if (err == nil) != ok || ok && !reflect.DeepEqual(got, list) {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	f(whole, true)
	f(whole[:len(whole)-8], false) // cut off
	f(nil, false)
	f([]byte(`{"target": "linux/arm64"}`), false) // not compressed
	f(whole[:4], false)
}

// What is embedded can be read; a build without a list has none.
func TestEmbedded(t *testing.T) {
	list, err := licenses.Embedded()
	if err != nil || list != nil && len(list.Dependencies) == 0 {
		t.Errorf("%+v, %v", list, err)
	}
}
