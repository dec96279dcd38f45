//go:build !linux

package doctor

func usable(string) bool { return false }
