package script

import (
	"reflect"
	"unsafe"

	"github.com/dop251/goja"
)

// goja leaves frames of its call and try stacks behind when an interrupt or a
// stack overflow unwinds an async function or a generator. From then on it
// takes every call for a nested one and runs no more promise reactions. It has
// no way to reset itself, and a script's state must outlive a case that was
// cut off, so this puts its machine back as it is at rest. A test cuts off every
// kind of function and fails when a new version of goja needs something else.

// machineState are the fields of goja's machine that running code changes.
var machineState = []string{
	"prg", "pc", "stack", "sp", "sb", "args", "stash", "privEnv", "callStack",
	"iterStack", "refStack", "tryStack", "newTarget", "result", "curAsyncRunner",
}

// restingMachine holds the machine's state as it is when nothing runs.
type restingMachine struct {
	fields []reflect.Value // the machine's
	rest   []reflect.Value // copies, in the same order
	jobs   reflect.Value   // the queue of promise reactions
}

// atRest notes the state of an engine that has not run anything yet.
func atRest(vm *goja.Runtime) restingMachine {
	var m restingMachine
	engine := reflect.ValueOf(vm).Elem()
	m.jobs = writable(engine.FieldByName("jobQueue"))
	machine := engine.FieldByName("vm")
	if !machine.IsValid() || machine.Kind() != reflect.Pointer {
		return m
	}
	for _, name := range machineState {
		field := writable(machine.Elem().FieldByName(name))
		if !field.IsValid() {
			continue
		}
		state := reflect.New(field.Type()).Elem()
		state.Set(field)
		m.fields, m.rest = append(m.fields, field), append(m.rest, state)
	}
	return m
}

// writable gives access to an unexported field.
func writable(field reflect.Value) reflect.Value {
	if !field.IsValid() {
		return field
	}
	return reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()
}

// mend puts the machine back to rest after code was cut off; nothing may run.
func (m *restingMachine) mend() {
	for i, field := range m.fields {
		field.Set(m.rest[i])
	}
}

// dropJobs forgets the promise reactions that wait to be run.
func (m *restingMachine) dropJobs() {
	if m.jobs.IsValid() {
		m.jobs.SetZero()
	}
}
