package datadir

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/google/uuid"
)

// unfinished is the suffix of a file that is being written.
const unfinished = ".tmp"

// AdminKeyPrefix begins every admin key that Postrider makes.
const AdminKeyPrefix = "pr_"

// AdminKey is the key given in the environment, or else the one in the file admin.key; if there is
// none, one is made, and made is true: show it to the person at the terminal, once. A key from the
// environment is not written anywhere.
func (d *Dir) AdminKey(env string) (key string, made bool, err error) {
	if env != "" {
		return env, false, nil
	}
	switch key, err := d.read(keyFile); {
	case err == nil:
		return key, false, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", false, fmt.Errorf("read admin key: %w", err)
	}
	var random [32]byte
	rand.Read(random[:]) // never errs
	key = AdminKeyPrefix + base64.RawURLEncoding.EncodeToString(random[:])
	if err := d.write(keyFile, []byte(key+"\n")); err != nil {
		return "", false, fmt.Errorf("write admin key: %w", err)
	}
	return key, true, nil
}

// name reads the node's name, or makes one.
func (d *Dir) name() error {
	name, err := d.read(nodeFile)
	if errors.Is(err, fs.ErrNotExist) {
		name = uuid.NewString()
		err = d.write(nodeFile, []byte(name+"\n"))
	}
	if err != nil {
		return fmt.Errorf("name this node: %w", err)
	}
	d.nodeName = name
	return nil
}

// read is the one line that the file holds. It makes the file private if it was not.
func (d *Dir) read(name string) (string, error) {
	path := d.Path(name)
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	line := strings.TrimSpace(string(text))
	if line == "" || strings.ContainsAny(line, "\r\n") {
		return "", fmt.Errorf("%s does not hold one line", path)
	}
	stat, err := os.Stat(path)
	if err == nil && stat.Mode().Perm()&0o077 != 0 {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("close %s to others: %w", path, err)
	}
	return line, nil
}

// write makes the file whole or not at all, even if the power fails half-way.
func (d *Dir) write(name string, content []byte) error {
	path := d.Path(name)
	f, err := os.OpenFile(path+unfinished, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(path+unfinished, path); err != nil {
		return err
	}
	return syncDirectory(d.path)
}

func syncDirectory(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
