package result

// Environment is where it was run: the client's machine, as package machine reads
// it. Fields that are nil, and those that are absent in JSON, nobody has told.
// docs/environment.md says where each comes from.
type Environment struct {
	OS             string `json:"os"`
	Release        string `json:"os_release,omitempty"` // such as "openEuler 22.03 (LTS-SP4)"
	Arch           string `json:"arch"`
	Kernel         string `json:"kernel,omitempty"`
	KernelArgs     string `json:"kernel_command_line,omitempty"` // values of what looks like a secret are hidden
	Hostname       string `json:"hostname,omitempty"`
	Virtualization string `json:"virtualization,omitempty"` // "none", the hypervisor, such as "kvm", or "unknown" for one that does not say its name
	Product        string `json:"product,omitempty"`        // of the machine, such as "Huawei Atlas 800T A2"
	CPUs           int    `json:"cpus"`                     // that this process may run on
	CPUModel       string `json:"cpu_model,omitempty"`

	CPU       *CPU         `json:"cpu,omitempty"`
	Memory    *Memory      `json:"memory,omitempty"`
	Networks  []Network    `json:"networks,omitempty"`
	Container *Container   `json:"container,omitempty"`
	Limits    *Limits      `json:"limits,omitempty"`
	Clock     *KernelClock `json:"clock,omitempty"`
	TCP       *TCP         `json:"tcp,omitempty"`
	Ascend    *Ascend      `json:"ascend,omitempty"`
	NVIDIA    string       `json:"nvidia_driver,omitempty"` // versions; so the next two
	ROCm      string       `json:"rocm,omitempty"`
	AMDGPU    string       `json:"amdgpu_driver,omitempty"`
	Devices   []string     `json:"device_files,omitempty"` // of accelerators, such as "/dev/davinci0"

	// Variables are the environment variables that bear on a run: a fixed list of
	// names, and none that could be a secret.
	Variables map[string]string `json:"variables,omitempty"`

	Runtimes int    `json:"runtimes"`      // JavaScript runtimes
	Sim      string `json:"sim,omitempty"` // URL of the simulated service; "": none
}

// CPU is the processors of the whole machine, which a process or a container may
// have only some of.
type CPU struct {
	Online    *int           `json:"online,omitempty"` // hardware threads
	Sockets   *int           `json:"sockets,omitempty"`
	Cores     *int           `json:"cores,omitempty"`
	Threads   *int           `json:"threads_per_core,omitempty"` // hardware threads that share a core
	NUMANodes *int           `json:"numa_nodes,omitempty"`
	SMT       *bool          `json:"smt,omitempty"`              // several threads a core are in use
	MinMHz    *float64       `json:"min_mhz,omitempty"`          // that the hardware can; of all CPUs the least
	MaxMHz    *float64       `json:"max_mhz,omitempty"`          // of all CPUs the most
	Governors map[string]int `json:"governors,omitempty"`        // of how many CPUs
	Driver    string         `json:"frequency_driver,omitempty"` // such as "intel_pstate"
}

// Memory is that of the whole machine, in bytes.
type Memory struct {
	Total     *int64 `json:"total_bytes,omitempty"`
	Available *int64 `json:"available_bytes,omitempty"` // when the run began; so the next
	SwapTotal *int64 `json:"swap_total_bytes,omitempty"`
	SwapFree  *int64 `json:"swap_free_bytes,omitempty"`
	// HugePages is how many pages of a size are set aside, by their size in KiB.
	HugePages       map[string]int64 `json:"huge_pages,omitempty"`
	TransparentHuge string           `json:"transparent_huge_pages,omitempty"` // "always", "madvise" or "never"
}

// Network is a network interface of this machine or container; the loopback is none.
type Network struct {
	Name    string `json:"name"`
	State   string `json:"state,omitempty"`      // "up", "down", "unknown", …
	Speed   *int64 `json:"speed_mbit,omitempty"` // Mbit/s; virtual ones have none
	Duplex  string `json:"duplex,omitempty"`
	MTU     *int64 `json:"mtu,omitempty"` // bytes
	Driver  string `json:"driver,omitempty"`
	NUMA    *int   `json:"numa_node,omitempty"`
	Queues  *int   `json:"receive_queues,omitempty"`
	Packets *int64 `json:"packets,omitempty"` // received and sent since the machine's start
	Errors  *int64 `json:"errors,omitempty"`  // of those
}

// Container is what this process is in.
type Container struct {
	Kind  string `json:"kind"`            // "docker", "podman", "containerd", "kubernetes", "lxc", … or "none"
	Known string `json:"known,omitempty"` // by what it is known
}

// Limits are those of this process, and of the control groups that it is in, with a
// container or without.
type Limits struct {
	OpenFiles     *int64   `json:"open_files,omitempty"`      // nil: no limit; so the next three
	OpenFilesHard *int64   `json:"open_files_hard,omitempty"` // up to which the process may raise it
	Processes     *int64   `json:"processes,omitempty"`
	ProcessesHard *int64   `json:"processes_hard,omitempty"`
	LockedMemory  *int64   `json:"locked_memory_bytes,omitempty"`
	CPUSet        string   `json:"cpu_set,omitempty"`      // CPUs that it may run on, such as "0-31,64-95"
	CPUQuota      *float64 `json:"cpu_quota,omitempty"`    // CPUs' time that it may use; nil: all
	Memory        *int64   `json:"memory_bytes,omitempty"` // nil: all
}

// KernelClock is where the kernel has its time from.
type KernelClock struct {
	Source       string   `json:"source,omitempty"`       // such as "tsc", "arch_sys_counter" or "hpet"
	Available    []string `json:"available,omitempty"`    // that it could take
	Synchronized *bool    `json:"synchronized,omitempty"` // something keeps the wall clock right
	MaxError     *float64 `json:"max_error_ms,omitempty"` // of the wall clock, as that reckons, ms
	EstError     *float64 `json:"est_error_ms,omitempty"` // likewise
	Timezone     string   `json:"timezone,omitempty"`     // such as "Asia/Shanghai"
}

// TCP is the kernel's settings that connections depend on.
type TCP struct {
	FirstPort      *int64  `json:"first_port,omitempty"` // net.ipv4.ip_local_port_range
	LastPort       *int64  `json:"last_port,omitempty"`
	Somaxconn      *int64  `json:"somaxconn,omitempty"`
	SYNBacklog     *int64  `json:"tcp_max_syn_backlog,omitempty"`
	TWReuse        *int64  `json:"tcp_tw_reuse,omitempty"`
	FINTimeout     *int64  `json:"tcp_fin_timeout,omitempty"` // seconds
	SlowStartIdle  *bool   `json:"tcp_slow_start_after_idle,omitempty"`
	Congestion     string  `json:"tcp_congestion_control,omitempty"`
	QueueDisc      string  `json:"default_qdisc,omitempty"`
	ReadBuffer     []int64 `json:"tcp_rmem,omitempty"` // bytes: least, default, most; so the next
	WriteBuffer    []int64 `json:"tcp_wmem,omitempty"`
	ReadBufferMax  *int64  `json:"rmem_max,omitempty"` // bytes; so the next
	WriteBufferMax *int64  `json:"wmem_max,omitempty"`
	Forward        *bool   `json:"ip_forward,omitempty"`
	Sockets        *int64  `json:"sockets,omitempty"`   // TCP, in use when the run began
	TimeWait       *int64  `json:"time_wait,omitempty"` // connections in TIME_WAIT then
}

// Ascend is the software for Ascend NPUs that is installed here, by its versions.
type Ascend struct {
	Driver       string `json:"driver,omitempty"` // of the package, such as "24.1.rc3"
	DriverInner  string `json:"driver_inner,omitempty"`
	DriverStatus string `json:"driver_status,omitempty"` // of its installation, such as "complete"
	Firmware     string `json:"firmware,omitempty"`      // such as "7.5.0.1.129"
	CANN         string `json:"cann,omitempty"`          // such as "8.0.RC3"
	CANNInner    string `json:"cann_inner,omitempty"`
	CANNPath     string `json:"cann_path,omitempty"`
	Kernels      string `json:"kernels,omitempty"` // of CANN's operators
	ATB          string `json:"atb,omitempty"`     // Ascend Transformer Boost
	ATBModels    string `json:"atb_models,omitempty"`
	MindIE       string `json:"mindie,omitempty"`
}
