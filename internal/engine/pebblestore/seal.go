package pebblestore

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The seal of a closed database is a file that says which files it has: their sizes, and checksums of those that have
// none of their own. Open checks and breaks it. A database that crashed has none. Damage is told apart from what a crash
// leaves, even at the very end of a file.
const (
	sealName   = "SEAL"
	sealHeader = "postrider engine, closed\n"
)

// seal writes the seal of a database that is closed.
func seal(files vfs.FS, dir string) error {
	list, err := sealOf(files, dir)
	if err != nil {
		return err
	}
	unfinished := files.PathJoin(dir, sealName+".new")
	if err := writeFile(files, unfinished, fmt.Appendf(list, "checksum %08x\n", checksum(list))); err != nil {
		return err
	}
	if err := files.Rename(unfinished, files.PathJoin(dir, sealName)); err != nil {
		return err
	}
	return syncDir(files, dir)
}

// unseal checks the seal, if there is one, and removes it.
func unseal(files vfs.FS, dir string) error {
	path := files.PathJoin(dir, sealName)
	content, err := readFile(files, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	list, sum, found := bytes.Cut(content, []byte("checksum "))
	if !found || string(sum) != fmt.Sprintf("%08x\n", checksum(list)) {
		return fmt.Errorf("%w: %s", ErrCorrupt, path)
	}
	now, err := sealOf(files, dir)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, list) {
		return fmt.Errorf("%w: %s is not as it was when the database was closed", ErrCorrupt, changed(list, now))
	}
	if err := files.Remove(path); err != nil {
		return err
	}
	return syncDir(files, dir)
}

// changed is a line that is in the first list, but not in the second, or else the other way round.
func changed(was, is []byte) string {
	for _, pair := range [][2][]byte{{was, is}, {is, was}} {
		for line := range strings.Lines(string(pair[0])) {
			if !bytes.Contains(pair[1], []byte(line)) {
				name, _, _ := strings.Cut(line, " ")
				return "file " + name
			}
		}
	}
	return "a file"
}

// sealOf has a line for each file of the database: its name, size and, unless it is a table, checksum.
func sealOf(files vfs.FS, dir string) ([]byte, error) {
	names, err := files.List(dir)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	list := []byte(sealHeader)
	for _, name := range names {
		if name == "LOCK" || strings.HasPrefix(name, sealName) {
			continue
		}
		path := files.PathJoin(dir, name)
		info, err := files.Stat(path)
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			continue
		}
		var sum uint32
		if !strings.HasSuffix(name, ".sst") {
			content, err := readFile(files, path)
			if err != nil {
				return nil, err
			}
			sum = checksum(content)
		}
		list = fmt.Appendf(list, "%s %d %08x\n", name, info.Size(), sum)
	}
	return list, nil
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

func writeFile(files vfs.FS, path string, content []byte) (err error) {
	file, err := files.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.Write(content); err != nil {
		return err
	}
	return file.Sync()
}

func syncDir(files vfs.FS, dir string) (err error) {
	d, err := files.OpenDir(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return d.Sync()
}
