//go:build unix

package datadir

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// acquire takes the lock, which the system drops when the process ends, however it ends. The file
// holds the process's id while it runs; one that is found there tells of a process that was killed.
func (d *Dir) acquire() error {
	f, err := os.OpenFile(d.Path(lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("lock data directory: %w", err)
	}
	if err := flock(f); err != nil {
		_ = f.Close() // nothing was written
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("data directory %s is in use by another postrider process", d.path)
		}
		return fmt.Errorf("lock data directory: %w", err)
	}
	d.lock = f
	if d.unclean, err = noteRunning(f); err != nil {
		return fmt.Errorf("write %s: %w", f.Name(), err)
	}
	return nil
}

func flock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// noteRunning writes the process's id, durably: else a power failure would look like a clean end.
func noteRunning(f *os.File) (unclean bool, err error) {
	stat, err := f.Stat()
	if err != nil {
		return false, err
	}
	if err := f.Truncate(0); err != nil {
		return false, err
	}
	_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return stat.Size() > 0, errors.Join(err, f.Sync())
}
