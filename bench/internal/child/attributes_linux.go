package child

import "syscall"

// attributes put the process into a group of its own, so that Ctrl-C reaches only the benchmark, which
// stops its processes in order; and end it when the benchmark itself is killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
