package main

import (
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"
)

// diskBytes is what the files below dir take of the disk. Files that go away meanwhile do not count.
func diskBytes(dir string) (sum int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error { //nolint:gosec // our own directory
		if err != nil {
			return ignoreGone(err)
		}
		info, err := d.Info()
		if err != nil {
			return ignoreGone(err)
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && !d.IsDir() {
			sum += stat.Blocks * 512
		}
		return nil
	})
	return sum, err
}

func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }
