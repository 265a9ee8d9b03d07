package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// cluster is a private server: a data directory and a port.
type cluster struct {
	bin, dir string
	port     int
	account  *syscall.Credential // nil: our own
}

// findBinaries is the directory of the server's programs, or what is missing.
func findBinaries() (bin, missing string) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), ""
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return "", "there is no PostgreSQL server on this machine"
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(newest), ""
}

func startCluster(ctx context.Context, bin string) (*cluster, error) {
	account, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "postrider-postgres-")
	if err != nil {
		return nil, err
	}
	c := &cluster{bin: bin, dir: dir, account: account}
	if err := c.make(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return c, nil
}

func (c *cluster) make(ctx context.Context) error {
	if c.account != nil {
		if err := os.Chown(c.dir, int(c.account.Uid), int(c.account.Gid)); err != nil {
			return err
		}
	}
	var err error
	if c.port, err = freePort(ctx); err != nil {
		return err
	}
	if err := c.run(ctx, "initdb", "-D", c.data(), "-U", "postrider", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"); err != nil {
		return err
	}
	return c.start(ctx)
}

func (c *cluster) start(ctx context.Context) error {
	options := fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200", c.port)
	return c.run(ctx, "pg_ctl", "-D", c.data(), "-l", filepath.Join(c.dir, "log"), "-o", options, "-w", "-t", "60", "start")
}

func (c *cluster) stop(mode string) error {
	return c.run(context.Background(), "pg_ctl", "-D", c.data(), "-m", mode, "-w", "-t", "60", "stop")
}

// remove stops the server if it runs and deletes its files.
func (c *cluster) remove() error {
	_ = c.stop("immediate") // a test may have stopped it
	return os.RemoveAll(c.dir)
}

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *cluster) url() *url.URL {
	return &url.URL{
		Scheme: "postgres", User: url.User("postrider"), Host: fmt.Sprintf("127.0.0.1:%d", c.port),
		Path: "/postgres", RawQuery: "sslmode=disable",
	}
}

func (c *cluster) run(ctx context.Context, program string, args ...string) error {
	command := exec.CommandContext(ctx, filepath.Join(c.bin, program), args...)
	command.Dir = c.dir
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	command.SysProcAttr = &syscall.SysProcAttr{Credential: c.account}
	// To a file: the server inherits it and would keep a pipe open.
	output, err := os.CreateTemp("", "postrider-"+program+"-")
	if err != nil {
		return err
	}
	defer os.Remove(output.Name())
	defer output.Close()
	command.Stdout, command.Stderr = output, output
	if err := command.Run(); err != nil {
		said, _ := os.ReadFile(output.Name())
		logged, _ := os.ReadFile(filepath.Join(c.dir, "log"))
		return fmt.Errorf("run %s: %w\n%s%s", program, err, said, logged)
	}
	return nil
}

// unprivileged is the account to run the server as, which refuses to run as root.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil //nolint:nilnil // our own account will do
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("there is no account postgres or nobody to run PostgreSQL as")
}

func freePort(ctx context.Context) (int, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil //nolint:errcheck // it is one: it listens on TCP
}
