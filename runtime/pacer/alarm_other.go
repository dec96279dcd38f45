//go:build !linux

package pacer

func newAlarm() (alarm, error) { return newTimerAlarm(), nil }
