// Package datadir is the directory that one Postrider process keeps its files in: locked against a
// second process, marked so that no other directory is taken for one, readable by its owner only.
package datadir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Files that Open makes.
const (
	lockFile   = "postrider.lock"
	markerFile = "postrider.json"
	nodeFile   = "node.name"
	keyFile    = "admin.key"
)

// Format is the version of the directory's layout that this program reads and writes.
const Format = 1

// marker is the content of the marker file. More fields may come; they are ignored by programs that
// do not know them.
type marker struct {
	Format int `json:"format"`
}

// Dir is an open data directory. Only Close ends the lock, or the end of the process.
type Dir struct {
	path     string
	lock     *os.File
	unclean  bool
	nodeName string
}

// Open makes the directory if it is not there and locks it. It errs, with one line fit for people,
// when another process has it, when it is someone else's (not empty, and without a marker file), or
// when a newer Postrider wrote it; then nothing in it was changed.
func Open(path string) (*Dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find data directory: %w", err)
	}
	if err := checkOurs(path); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	d := &Dir{path: path}
	if err := d.setUp(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Path is the absolute path of a file in the directory, or of the directory itself without names.
func (d *Dir) Path(names ...string) string {
	return filepath.Join(append([]string{d.path}, names...)...)
}

// Unclean reports whether the process that had the directory before ended without Close, by a
// crash, a kill or a power failure.
func (d *Dir) Unclean() bool { return d.unclean }

// NodeName is the random name of the node that lives here, the same at each start.
func (d *Dir) NodeName() string { return d.nodeName }

// Close notes that the process ended as it should and unlocks the directory. Close what uses the
// directory first. It may be called twice.
func (d *Dir) Close() error {
	if d.lock == nil {
		return nil
	}
	lock := d.lock
	d.lock = nil
	if err := errors.Join(lock.Truncate(0), lock.Close()); err != nil {
		return fmt.Errorf("release data directory %s: %w", d.path, err)
	}
	return nil
}

func (d *Dir) setUp() error {
	if err := d.acquire(); err != nil {
		return err
	}
	// Once more, for what happened before the lock was had.
	if err := checkOurs(d.path); err != nil {
		return err
	}
	if err := d.keepPrivate(); err != nil {
		return err
	}
	if err := d.mark(); err != nil {
		return err
	}
	return d.name()
}

// keepPrivate closes the directory to others. A volume that belongs to someone else (in containers
// the platform often owns its root) stays as the platform made it.
func (d *Dir) keepPrivate() error {
	stat, err := os.Stat(d.path)
	if err != nil {
		return fmt.Errorf("look at data directory: %w", err)
	}
	if stat.Mode().Perm()&0o077 == 0 {
		return nil
	}
	if err := os.Chmod(d.path, 0o700); err != nil && !errors.Is(err, fs.ErrPermission) { //nolint:gosec // a directory needs x
		return fmt.Errorf("close data directory to others: %w", err)
	}
	return nil
}

func (d *Dir) mark() error {
	if _, err := os.Stat(d.Path(markerFile)); err == nil {
		return nil
	}
	text, err := json.Marshal(marker{Format})
	if err != nil {
		return err
	}
	return d.write(markerFile, append(text, '\n'))
}

// checkOurs reads only. A directory that is not there, or that holds nothing but what a start that
// was cut short leaves, may become ours.
func checkOurs(path string) error {
	stat, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look at data directory: %w", err)
	case !stat.IsDir():
		return fmt.Errorf("%s is not a directory", path)
	}
	text, err := os.ReadFile(filepath.Join(path, markerFile))
	if errors.Is(err, fs.ErrNotExist) {
		return checkEmpty(path)
	}
	if err != nil {
		return fmt.Errorf("read data directory's marker: %w", err)
	}
	var m marker
	if err := json.Unmarshal(text, &m); err != nil || m.Format < 1 {
		return fmt.Errorf("%s is not a Postrider data directory: its %s is not one", path, markerFile)
	}
	if m.Format > Format {
		return fmt.Errorf("data directory %s was written by a newer Postrider (format %d, this one knows %d)", path, m.Format, Format)
	}
	return nil
}

func checkEmpty(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("list data directory: %w", err)
	}
	for _, entry := range entries {
		if !slices.Contains([]string{lockFile, markerFile + unfinished, "lost+found"}, entry.Name()) {
			return fmt.Errorf("%s is not a Postrider data directory: it has files but no %s", path, markerFile)
		}
	}
	return nil
}
