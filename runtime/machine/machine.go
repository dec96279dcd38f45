// Package machine reads what there is to know about the machine that a run's client
// is on, so that its result says where it comes from: the system, the processors, the
// network, the limits of the process, and the software of accelerators.
//
// [Read] takes everything from files, mostly those of Linux' /proc and /sys: nothing
// is started, nothing is asked over a network, and no privilege is needed. What a
// system does not tell is absent. What is read is bounded, and no environment variable
// or argument that could be a secret is kept.
package machine

import (
	"context"
	"io/fs"
	"runtime"

	"weir/runtime/result"
)

// Read reads the facts. root is the root of the file system: os.DirFS("/"). When ctx
// ends before, as on a file system that does not answer, the little is returned that
// needs no file. Any goroutine may call it.
func Read(ctx context.Context, root fs.FS) result.Environment {
	read := make(chan result.Environment, 1)
	go func() { read <- facts(files{root}) }()
	select {
	case e := <-read:
		return e
	case <-ctx.Done():
		return system()
	}
}

// system is what needs no file.
func system() result.Environment {
	return result.Environment{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU()}
}

func facts(f files) result.Environment {
	e := system()
	e.Release = osRelease(f)
	e.Kernel = f.line("proc/sys/kernel/osrelease")
	e.KernelArgs = kernelArgs(f)
	e.Hostname = f.line("proc/sys/kernel/hostname")
	model := readModel(f)
	e.CPUModel = model.name
	e.Virtualization = virtualization(f, model)
	e.Product = product(f)
	e.CPU = cpu(f)
	e.Memory = memory(f)
	e.Networks = networks(f)
	e.Limits = limits(f)
	e.Clock = clock(f)
	e.TCP = tcp(f)
	variables := environ(f)
	e.Container = container(f, variables)
	e.Ascend = ascend(f, variables)
	e.NVIDIA = nvidia(f)
	e.ROCm = f.line("opt/rocm/.info/version")
	e.AMDGPU = f.line("sys/module/amdgpu/version")
	e.Devices = deviceFiles(f)
	e.Variables = kept(variables)
	return e
}
