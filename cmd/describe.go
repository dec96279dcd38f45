package cmd

import (
	"context"
	"sync"
	"time"

	"weir/modules/llm"
	"weir/modules/llm/probe"
	"weir/runtime/result"
	"weir/runtime/script"
)

const (
	describeLimit  = 5 * time.Second // of what is asked and read before a case
	describeAtOnce = 32              // services that are asked at the same time
	maxDescribed   = 256             // services and files in a result
)

// describer notes for the result which services and files the script uses: each once,
// when it is first used. It belongs to the run's goroutine.
type describer struct {
	modules *modules
	script  *script.Script
	found   *scenario
	params  string // the file of --params; "": none
	asked   map[*llm.Service]bool
	read    map[string]bool
}

// describe asks the services and reads the files that are new. It takes at most
// describeLimit, and no failure of theirs is one of the run's.
func (d *describer) describe(ctx context.Context, r *result.Result) {
	ctx, cancel := context.WithTimeout(ctx, describeLimit)
	defer cancel()
	var hashing sync.WaitGroup
	var files []result.File
	hashing.Go(func() { files = d.files(ctx) })
	services := d.services(ctx)
	hashing.Wait()
	r.Chosen = d.script.Chosen()
	r.Written = d.script.Access().Written()
	r.Services = append(r.Services, services...)
	r.Files = append(r.Files, files...)
}

// services asks those that are new.
func (d *describer) services(ctx context.Context) []result.Service {
	if d.asked == nil {
		d.asked = make(map[*llm.Service]bool)
	}
	var fresh []*llm.Service
	for _, s := range d.modules.services.Services() {
		if !d.asked[s] && len(d.asked) < maxDescribed {
			d.asked[s] = true
			fresh = append(fresh, s)
		}
	}
	found := make([]result.Service, len(fresh))
	turns := make(chan struct{}, describeAtOnce)
	var asking sync.WaitGroup
	for i, s := range fresh {
		asking.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			found[i] = probe.Describe(ctx, s)
		})
	}
	asking.Wait()
	return found
}

// files reads those that are new.
func (d *describer) files(ctx context.Context) (all []result.File) {
	if d.read == nil {
		d.read = make(map[string]bool)
	}
	add := func(kind string, paths ...string) {
		for _, path := range paths {
			if d.read[path] || len(d.read) == maxDescribed {
				continue
			}
			d.read[path] = true
			all = append(all, describeFiles(ctx, kind, path)...)
		}
	}
	if d.params != "" {
		add("params", d.params)
	}
	add("tokenizer", d.modules.tokenizers.Files()...)
	add("dataset", d.modules.datasets.Files()...)
	for _, f := range d.script.Access().Files() {
		add("file", f.Path)
	}
	for i := range all {
		all[i].Path = d.found.shownPath(all[i].Path)
	}
	return all
}
