//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/postrider/postrider/internal/client"
	"github.com/postrider/postrider/internal/testkit/receiver"
	"github.com/postrider/postrider/webhook"
)

// TestAFullDiskRefusesEventsAndLosesNone fills the disk under load: before it is full, as the limit on free space wants
// it, and with the limit lifted to the last byte. When there is space again, all goes on by itself.
func TestAFullDiskRefusesEventsAndLosesNone(t *testing.T) {
	for name, limit := range map[string]string{"below the limit": "32MiB", "to the last byte": "0B"} {
		t.Run(name, func(t *testing.T) {
			dir := smallDisk(t)
			r := startReceiver(t, receiver.Always(receiver.Answer{}))
			p := newProcess(t, "serve", filepath.Join(dir, "data"), "--min-free-disk", limit)
			p.start()
			p.endpoint(r, "/", quick(10))
			before := postAll(t.Context(), []*client.Client{p.api}, 50, 4, "before")
			if before.refused > 0 {
				t.Fatalf("%d of the first events were refused", before.refused)
			}
			accepted := len(before.accepted)

			ballast := filepath.Join(dir, "ballast")
			fill(t, ballast)
			large := client.NewEvent{Type: "during", Data: []byte(`"` + strings.Repeat("x", 500_000) + `"`)}
			await(t, 20*time.Second, "a refusal", func(ctx context.Context) error {
				_, err := p.api.PostEvent(ctx, large)
				if err == nil {
					accepted++
					return errors.New("it was accepted")
				}
				if !errors.Is(err, webhook.Unavailable) {
					t.Fatalf("refused with %v", err)
				}
				return nil
			})
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}

			await(t, 20*time.Second, "events to be accepted again", func(ctx context.Context) error {
				_, err := p.api.PostEvent(ctx, client.NewEvent{Type: "after", Data: []byte(`{}`)})
				return err
			})
			if err := r.AwaitDeliveries(t.Context(), accepted+1); err != nil {
				t.Fatal(err)
			}
			wantNothingOpen(t, p.api, wantSoon)
			p.stop()
		})
	}
}

// smallDisk is a file system of 256 MiB of its own.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256m")
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		t.Skip("only root can mount the small file system that this fills")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// fill writes a file until there is no space left for another byte.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for size := 1 << 20; size > 0; size /= 2 {
		for chunk := bytes.Repeat([]byte{1}, size); err == nil; {
			_, err = file.Write(chunk)
		}
		if !errors.Is(err, unix.ENOSPC) {
			t.Fatal(err)
		}
		err = nil
	}
}
