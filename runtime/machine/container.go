package machine

import (
	"strings"

	"weir/runtime/result"
)

// A mark is a text by which a container is known.
type mark struct{ text, kind string }

// ofGroups are those in the names of control groups, ofRoot those in the mount of the
// root directory: the only ones that are left where a container has a namespace of
// control groups of its own. The first that is found counts.
var (
	ofGroups = []mark{
		{"kubepods", "kubernetes"}, {"/libpod", "podman"}, {"/docker", "docker"}, {"docker-", "docker"}, {"crio-", "cri-o"},
		{"isulad", "isulad"}, {"cri-containerd", "containerd"}, {"containerd", "containerd"}, {"/lxc", "lxc"}, {"machine.slice/machine-", "nspawn"},
	}
	ofRoot = []mark{
		{"io.containerd.", "containerd"}, {"/containerd/", "containerd"}, {"/docker/", "docker"}, {"/containers/storage/", "podman"}, {"/isulad/", "isulad"},
	}
)

// container tells what this process is in, and by what that is known; nil on a system
// that tells nothing. Kubernetes goes before the program that it runs containers with.
func container(f files, variables map[string]string) *result.Container {
	found := func(kind, known string) *result.Container { return &result.Container{Kind: kind, Known: known} }
	if variables["KUBERNETES_SERVICE_HOST"] != "" {
		return found("kubernetes", "KUBERNETES_SERVICE_HOST is set")
	}
	if f.exists("var/run/secrets/kubernetes.io") || f.exists("run/secrets/kubernetes.io") {
		return found("kubernetes", "/run/secrets/kubernetes.io")
	}
	groups := f.text("proc/self/cgroup")
	if strings.Contains(groups, "kubepods") {
		return found("kubernetes", "/proc/self/cgroup")
	}
	if f.exists("run/.containerenv") {
		return found("podman", "/run/.containerenv")
	}
	if f.exists(".dockerenv") {
		return found("docker", "/.dockerenv")
	}
	for _, m := range ofGroups {
		if strings.Contains(groups, m.text) {
			return found(m.kind, "/proc/self/cgroup")
		}
	}
	mounts := f.text("proc/self/mountinfo")
	for row := range strings.Lines(mounts) {
		if fields := strings.Fields(row); len(fields) < 5 || fields[4] != "/" {
			continue
		}
		for _, m := range ofRoot {
			if strings.Contains(row, m.text) {
				return found(m.kind, "/proc/self/mountinfo")
			}
		}
	}
	// systemd's convention, which LXC and others keep, too
	if kind := variables["container"]; kind != "" {
		return found(clean(kind), "container is set")
	}
	if groups == "" && mounts == "" {
		return nil
	}
	return found("none", "")
}
