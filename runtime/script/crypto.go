package script

import (
	"crypto/rand"
	"fmt"

	"github.com/dop251/goja"
)

// maxRandomBytes is what one getRandomValues may ask for, by the standard.
const maxRandomBytes = 65536

func (r *Runtime) setCrypto() {
	obj := r.vm.NewObject()
	_ = obj.Set("randomUUID", func(goja.FunctionCall) goja.Value {
		var b [16]byte
		rand.Read(b[:])         // never fails
		b[6] = b[6]&0x0f | 0x40 // version 4: random
		b[8] = b[8]&0x3f | 0x80 // variant of RFC 9562
		return r.vm.ToValue(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
	})
	_ = obj.Set("getRandomValues", func(call goja.FunctionCall) goja.Value {
		bytes := r.bytesOf(call.Argument(0))
		if bytes == nil {
			r.Throw(TypeErrorf("crypto.getRandomValues: the argument must be a typed array, not %s", inspect(r, call.Argument(0))))
		}
		if len(bytes) > maxRandomBytes {
			r.Throw(fmt.Errorf("crypto.getRandomValues: %d bytes are more than %d", len(bytes), maxRandomBytes))
		}
		rand.Read(bytes)
		return call.Argument(0)
	})
	r.global("crypto", obj)
}

// bytesOf is the memory of a typed array, DataView or ArrayBuffer, nil for anything else.
func (r *Runtime) bytesOf(v goja.Value) []byte {
	obj, ok := v.(*goja.Object)
	if !ok {
		return nil
	}
	if buffer, ok := bufferOf(obj); ok {
		return buffer.Bytes()
	}
	inner, ok := obj.Get("buffer").(*goja.Object)
	if !ok {
		return nil
	}
	buffer, ok := bufferOf(inner)
	if !ok || obj.Get("byteOffset") == nil || obj.Get("byteLength") == nil {
		return nil
	}
	from, length := obj.Get("byteOffset").ToInteger(), obj.Get("byteLength").ToInteger()
	all := buffer.Bytes()
	if from < 0 || length < 0 || from+length > int64(len(all)) {
		return nil
	}
	return all[from : from+length : from+length]
}

func bufferOf(obj *goja.Object) (goja.ArrayBuffer, bool) {
	if obj.ExportType() != bufferType {
		return goja.ArrayBuffer{}, false
	}
	buffer, ok := obj.Export().(goja.ArrayBuffer)
	return buffer, ok
}
