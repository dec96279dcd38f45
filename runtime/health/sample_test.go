package health

import (
	"testing"
	"testing/fstest"
)

func TestThreads(t *testing.T) {
	var all threads
	f := func(name string, schedstats map[string]string, ran, waited, turns float64) {
		t.Helper()
		root := fstest.MapFS{}
		for id, text := range schedstats {
			root["proc/self/task/"+id+"/stat"] = &fstest.MapFile{}
			if text != "" {
				root["proc/self/task/"+id+"/schedstat"] = &fstest.MapFile{Data: []byte(text)}
			}
		}
		if got := all.read(root); got != (runTimes{ran: ran, waited: waited, turns: turns}) {
			t.Errorf("%s: %+v, want %v, %v and %v", name, got, ran, waited, turns)
		}
	}
	f("two threads", map[string]string{"10": "2000000000 500000000 3", "11": "1000000000 250000000 9"}, 3, 0.75, 12)
	f("one went on, one is new", map[string]string{"10": "3000000000 500000000 5", "11": "1000000000 250000000 9", "12": "500000000 0 1"}, 4.5, 0.75, 15)
	f("the time of one that ended stays", map[string]string{"11": "2000000000 250000000 10", "12": "500000000 0 1"}, 5.5, 0.75, 16)
	f("an id is used again", map[string]string{"11": "500000000 0 2", "12": "500000000 0 1"}, 6, 0.75, 18)
	f("one ends while it is read", map[string]string{"11": "1500000000 0 3", "12": ""}, 7, 0.75, 19)

	all = threads{}
	if got := all.read(files(map[string]string{"proc/self/task/7/stat": ""})); got.ran == got.ran {
		t.Errorf("a kernel without schedstat: %+v", got)
	}
	if got := all.read(fstest.MapFS{}); got.waited == got.waited {
		t.Errorf("a system without /proc: %+v", got)
	}
}

func TestSizes(t *testing.T) {
	old := newSystem(files(map[string]string{
		"proc/self/fd/0": "", "proc/self/fd/1": "", "proc/self/fd/2": "", "proc/self/fd/3": "",
	}))
	if n, ok := old.openFiles(true); !ok || n != 3 {
		t.Errorf("%d open files, %v; the listing's own does not count", n, ok)
	}
	if n, ok := old.openFiles(false); ok {
		t.Errorf("listed without need: %d", n)
	}
	if n, ok := newSystem(files(nil)).openFiles(true); ok {
		t.Errorf("%d open files out of nowhere", n)
	}
}
