//go:build e2e

package e2e

import (
	"database/sql"
	enc "encoding/binary"
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/postrider/postrider/internal/client"
)

// TestALossOfPowerLosesNothing kills serve under load and then takes from its files what a loss of power takes at
// most: of the store's log all behind the last event that was acknowledged, of the engine's log some of the end.
func TestALossOfPowerLosesNothing(t *testing.T) {
	for _, engine := range []string{"pebble", "sqlite"} {
		t.Run(engine, func(t *testing.T) {
			for range kills(t) {
				r := slowReceiver(t)
				p := newProcess(t, "serve", t.TempDir(), "--engine-store", engine)
				p.start()
				p.endpoint(r, "/slow", quick(10))
				l, killed := killUnderLoad(t, []*client.Client{p.api}, p)
				dir := p.dir
				cutStore(t, filepath.Join(dir, "postrider.db"), l.accepted)
				cutEngine(t, filepath.Join(dir, "temporal"))
				p.start()
				wantNothingOpen(t, p.api, 2*time.Minute)
				wantDelivered(t, r, l, killed)
				p.kill()
			}
		})
	}
}

// cutStore cuts the log of the SQLite database right after the first commit with which all of these events are there.
func cutStore(t *testing.T, path string, events []string) {
	t.Helper()
	ends := commits(t, path)
	dir := t.TempDir()
	first := sort.Search(len(ends), func(i int) bool {
		copied := filepath.Join(dir, "postrider.db")
		copyFile(t, path, copied, -1)
		copyFile(t, path+"-wal", copied+"-wal", ends[i])
		_ = os.Remove(copied + "-shm")
		return hasAll(t, copied, events)
	})
	if first == len(ends) {
		t.Fatal("the log does not have all events that were acknowledged")
	}
	t.Logf("commit %d of %d has the last event that was acknowledged", first+1, len(ends))
	truncate(t, path+"-wal", ends[first])
}

// commits are the ends of the transactions in a database's log that are not all in the database itself yet:
// https://sqlite.org/fileformat2.html#walformat and https://sqlite.org/walformat.html.
func commits(t *testing.T, path string) []int64 {
	t.Helper()
	wal, index := readFile(t, path+"-wal"), readFile(t, path+"-shm")
	const header, frameHeader, backfilled = 32, 24, 96
	if len(wal) < header {
		return nil
	}
	frame := frameHeader + int(enc.BigEndian.Uint32(wal[8:]))
	salt := string(wal[16:24])
	copied := int(enc.LittleEndian.Uint32(index[backfilled:]))
	var ends []int64
	for n := 1; header+n*frame <= len(wal); n++ {
		at := header + (n-1)*frame
		if string(wal[at+8:at+16]) != salt {
			break // left of an earlier round of the log
		}
		if pages := enc.BigEndian.Uint32(wal[at+4:]); pages > 0 && n >= copied {
			ends = append(ends, int64(at+frame))
		}
	}
	return ends
}

func hasAll(t *testing.T, path string, events []string) bool {
	t.Helper()
	ids, err := json.Marshal(events)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var found int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM events WHERE id IN (SELECT value FROM json_each(?))", string(ids)).Scan(&found); err != nil {
		t.Fatal(err)
	}
	return found == len(events)
}

// cutEngine takes some of the end of the engine's logs: of SQLite's, which is synced only now and then, all back to a
// commit; of Pebble's newest some bytes.
func cutEngine(t *testing.T, dir string) {
	t.Helper()
	if database := filepath.Join(dir, "temporal.db"); exists(database) {
		if ends := commits(t, database); len(ends) > 0 {
			truncate(t, database+"-wal", ends[rand.IntN(len(ends))])
		}
		return
	}
	var newest string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".log" && path > newest {
			newest = path
		}
		return err
	})
	if err != nil || newest == "" {
		t.Fatalf("no log in %s: %v", dir, err)
	}
	size := int64(len(readFile(t, newest)))
	truncate(t, newest, max(0, size-rand.Int64N(32<<10)))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// copyFile copies the first n bytes, or all if n is negative.
func copyFile(t *testing.T, from, to string, n int64) {
	t.Helper()
	data := readFile(t, from)
	if n >= 0 {
		data = data[:n]
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func truncate(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	t.Logf("cut %s to %d bytes", filepath.Base(path), size)
}
