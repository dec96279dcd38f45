//go:build !linux

package health

func affinity() cpuSet { return nil }
