package doctor

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os/exec"
	"strconv"
	"strings"

	"weir/runtime/device"
	"weir/runtime/device/npusmi"
)

// Accelerators is what one source tells of the devices of a host, and what belongs to
// them there. Errors are why a part of it is absent.
type Accelerators struct {
	Source  string // its name; "": none was found there
	Host    string // "": this machine
	Listing device.Listing
	ListErr error
	Reading device.Reading
	ReadErr error

	Persistence map[string]int // of NVIDIA's devices: how many have it "Enabled", "Disabled"
	Ascend      *Ascend        // nil: these are others
}

// Ascend is what the first step of the manual looks at besides the table of devices.
type Ascend struct {
	Total       *int   // NPUs that npu-smi info -l counts
	TotalErr    error  //
	Docker      string // what docker -v says; "": see DockerErr
	DockerErr   error  // exec.ErrNotFound: there is none
	Forward     *bool  // net.ipv4.ip_forward
	CANN        string // version; "": not known
	InContainer bool   // this process is in a container; of another host that is not known, and taken for false
}

// ReadDevices asks the sources, one after another: what they read should not come from
// tools that run at the same time. f is of this machine. It returns early when ctx ends.
func ReadDevices(ctx context.Context, all []device.Source, f Facts) []Accelerators {
	var found []Accelerators
	for _, s := range all {
		a := Accelerators{Source: s.Name()}
		tool, host, _ := strings.Cut(a.Source, "@")
		if tool == "host" { // which is no accelerator
			continue
		}
		a.Host = host
		if a.Listing, a.ListErr = s.List(ctx); a.ListErr == nil {
			a.Reading, a.ReadErr = s.Read(ctx)
		}
		switch tool {
		case "npu-smi":
			a.Ascend = &Ascend{}
			if a.ListErr == nil { // a tool that hangs would hang again
				a.Ascend = readAscend(ctx, host, f)
			}
		case "nvidia-smi":
			a.Persistence = persistence(ctx, host)
		}
		found = append(found, a)
		if ctx.Err() != nil {
			break
		}
	}
	return found
}

func readAscend(ctx context.Context, host string, f Facts) *Ascend {
	a := &Ascend{}
	list, err := device.Tool{Name: "npu-smi", Host: host}.Run(ctx, "info", "-l")
	if err != nil {
		a.TotalErr = err
	} else if a.Total = totalCount(string(list)); a.Total == nil {
		a.TotalErr = errors.New("npu-smi info -l prints no total count")
	}
	if host == "" {
		a.CANN, a.Forward, a.InContainer = of(f.Ascend).CANN, of(f.TCP).Forward, f.contained()
	}
	if a.InContainer {
		return a
	}
	if version, err := (device.Tool{Name: "docker", Host: host}).Run(ctx, "-v"); err != nil {
		a.DockerErr = err
	} else {
		a.Docker, _, _ = strings.Cut(strings.TrimSpace(string(version)), "\n")
	}
	if host != "" && a.DockerErr == nil {
		if text, err := (device.Tool{Name: "cat", Host: host}).Run(ctx, "/proc/sys/net/ipv4/ip_forward"); err == nil {
			if on, err := strconv.ParseBool(strings.TrimSpace(string(text))); err == nil {
				a.Forward = &on
			}
		}
	}
	return a
}

// totalCount reads the total of npu-smi info -l: "Total Count : 8", or of old boards
// "Card Count : 1".
func totalCount(text string) *int {
	for _, s := range npusmi.ParseFields(text).Sections {
		if n, err := strconv.Atoi(cmp.Or(s.Fields["Total Count"], s.Fields["Card Count"])); err == nil && n >= 0 {
			return &n
		}
	}
	return nil
}

// persistence counts NVIDIA's devices by their persistence mode; nil: not told.
func persistence(ctx context.Context, host string) map[string]int {
	text, err := device.Tool{Name: "nvidia-smi", Host: host}.Run(ctx, "--query-gpu=persistence_mode", "--format=csv,noheader")
	if err != nil {
		return nil
	}
	modes := make(map[string]int)
	for row := range strings.Lines(string(text)) {
		if mode := strings.TrimSpace(row); mode == "Enabled" || mode == "Disabled" {
			modes[mode]++
		}
	}
	return modes
}

// missing tells whether a tool is not there.
func missing(err error) bool {
	return errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist)
}
