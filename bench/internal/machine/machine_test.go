package machine

import (
	"testing"
	"time"
)

func TestTheFileSystemIsThatOfTheNearestMountPoint(t *testing.T) {
	t.Parallel()
	const mounts = "/dev/vda / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/vdb /tmp/data xfs rw 0 0\n"
	for dir, want := range map[string]string{
		"/tmp":        "tmpfs on tmpfs",
		"/tmp/bench":  "tmpfs on tmpfs",
		"/tmpx":       "ext4 on /dev/vda",
		"/tmp/data/x": "xfs on /dev/vdb",
		"/":           "ext4 on /dev/vda",
	} {
		if got := fileSystem(dir, mounts); got != want {
			t.Errorf("%s: got %q, want %q", dir, got, want)
		}
	}
}

func TestBusyIsAllThatIsNotIdle(t *testing.T) {
	t.Parallel()
	got, err := parseBusy("cpu  1 2 4 1000 2000 8 16 32 7 7\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
	if want := 63 * tick; got != want || err != nil {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	for _, stat := range []string{"", "intr 1 2 3", "cpu 1 2 3", "cpu 1 2 3 4 5 6 7 x 9"} {
		if _, err := parseBusy(stat); err == nil {
			t.Errorf("%q was read", stat)
		}
	}
}

func TestSyncingAFileTakesTime(t *testing.T) {
	t.Parallel()
	if took, err := fsyncTime(t.TempDir()); err != nil || took <= 0 || took > time.Minute {
		t.Errorf("got %s, %v", took, err)
	}
}
