package machine

import (
	"cmp"
	"io/fs"
	"path"
	"runtime"
	"strings"

	"weir/runtime/result"
)

const ascendDir = "usr/local/Ascend" // where its packages are installed unless told otherwise

// ascend is the software for Ascend NPUs; nil where none is found. In a container that
// shares the host's driver, its version file is often all that is there of it.
func ascend(f files, variables map[string]string) *result.Ascend {
	var a result.Ascend
	install := pairs(f.text("etc/ascend_install.info"), "=")
	driver := f.info(inside(install["Driver_Install_Path_Param"]), "driver/version.info")
	a.Driver = cmp.Or(driver["package_version"], driver["Version"])
	a.DriverInner = driver["Innerversion"]
	a.DriverStatus = install["Driver_Install_Status"]
	a.Firmware = f.info(inside(install["Firmware_Install_Path_Param"]), "firmware/version.info")["Version"]
	cann(f, variables, &a)
	atb(f, &a)
	return filled(a, a == result.Ascend{})
}

// info reads a file of "name=value" below a folder, or else below the usual one.
func (f files) info(dir, name string) map[string]string {
	for _, dir := range []string{dir, ascendDir} {
		if dir == "" {
			continue
		}
		if text := f.text(path.Join(dir, name)); text != "" {
			return pairs(text, "=")
		}
	}
	return nil
}

// inside is an absolute path as one of the file system's; "" when it is none.
func inside(absolute string) string {
	name, ok := strings.CutPrefix(path.Clean(absolute), "/")
	if !ok || !fs.ValidPath(name) {
		return ""
	}
	return name
}

// cann notes the toolkit that the environment names, or else the one that is installed
// where it usually is. CANN 8.5 has moved from ascend-toolkit/latest to cann.
func cann(f files, variables map[string]string, a *result.Ascend) {
	dirs := []string{
		inside(variables["ASCEND_HOME_PATH"]), inside(variables["ASCEND_TOOLKIT_HOME"]),
		ascendDir + "/cann", ascendDir + "/ascend-toolkit/latest", ascendDir + "/nnrt/latest", ascendDir + "/nnae/latest",
	}
	for _, dir := range dirs {
		if dir == "" {
			continue
		}
		for _, arch := range architectures() {
			toolkit := pairs(f.text(dir+"/"+arch+"-linux/ascend_toolkit_install.info"), "=")
			for _, other := range []string{"ascend_nnrt_install.info", "ascend_nnae_install.info"} {
				if toolkit["version"] == "" {
					toolkit = pairs(f.text(dir+"/"+arch+"-linux/"+other), "=")
				}
			}
			if toolkit["version"] == "" {
				continue
			}
			a.CANN, a.CANNInner = toolkit["version"], toolkit["innerversion"]
			a.CANNPath = cmp.Or(toolkit["path"], "/"+dir)
			a.Kernels = pairs(f.text(dir+"/"+arch+"-linux/ascend_ops_install.info"), "=")["version"]
			break
		}
		config := pairs(f.text(dir+"/version.cfg"), "=")
		if a.CANN == "" {
			if a.CANN = running(config["toolkit_running_version"]); a.CANN == "" {
				a.CANN = running(config["runtime_running_version"])
			}
			if a.CANN == "" {
				continue
			}
			a.CANNPath = "/" + dir
		}
		a.Kernels = cmp.Or(a.Kernels, running(config["opp_kernel_running_version"]))
		return
	}
}

// architectures are names of folders of the toolkit, this machine's first.
func architectures() []string {
	if runtime.GOARCH == "arm64" {
		return []string{"aarch64", "x86_64"}
	}
	return []string{"x86_64", "aarch64"}
}

// running is CANN's version in "[7.5.0.1.129:8.0.RC3]" of a version.cfg, in which the
// first number is that of the component.
func running(value string) string {
	value = strings.Trim(value, "[]")
	if at := strings.LastIndexByte(value, ':'); at >= 0 {
		value = value[at+1:]
	}
	return strings.TrimSpace(value)
}

// atb notes the libraries for transformers and the server, whose images have files of
// "name : value".
func atb(f files, a *result.Ascend) {
	lib := pairs(f.text(ascendDir+"/nnal/atb/latest/version.info"), ":")
	a.ATB = cmp.Or(lib["Ascend-cann-atb Version"], lib["Ascend-cann-atb"])
	a.ATBModels = pairs(f.text(ascendDir+"/atb-models/version.info"), ":")["ATB-Models Version"]
	mindie := pairs(f.text(ascendDir+"/mindie/latest/version.info"), ":")["Ascend-mindie"]
	a.MindIE = strings.TrimSpace(strings.TrimPrefix(mindie, "MindIE"))
}
