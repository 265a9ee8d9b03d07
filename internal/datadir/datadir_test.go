package datadir_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/datadir"
)

func open(t *testing.T, path string) *datadir.Dir {
	t.Helper()
	d, err := datadir.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, path string) string {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return strings.Join(list, " ")
}

func wantMode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	stat, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := stat.Mode().Perm(); got != want {
		t.Errorf("%s: mode %o, want %o", path, got, want)
	}
}

func TestANewDirectoryIsMadeWithItsParentsAndPrivate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a", "b")
	d := open(t, path)
	wantMode(t, path, 0o700)
	if got := names(t, path); got != "node.name postrider.json postrider.lock" {
		t.Errorf("it holds %s", got)
	}
	if got, want := d.Path("store.db"), filepath.Join(path, "store.db"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if d.Unclean() {
		t.Error("a new directory was not left uncleanly")
	}
}

func TestAnOpenDirectoryIsClosedToOthers(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	open(t, path)
	wantMode(t, path, 0o700)
}

func TestTheNodeKeepsItsName(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	first := open(t, path)
	name := first.NodeName()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if got := open(t, path).NodeName(); got != name || len(name) != 36 {
		t.Errorf("got %q, then %q", name, got)
	}
	if other := open(t, t.TempDir()).NodeName(); other == name {
		t.Error("two nodes have one name")
	}
}

func TestASecondProcessIsRefusedUntilTheFirstHasClosed(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	first := open(t, path)
	_, err := datadir.Open(path)
	if want := "data directory " + path + " is in use by another postrider process"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if second := open(t, path); second.Unclean() {
		t.Error("a closed directory was not left uncleanly")
	}
}

func TestAProcessThatWasKilledIsNoticed(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(path, "postrider.lock"), "4711\n", 0o600)
	if !open(t, path).Unclean() {
		t.Error("the kill went unnoticed")
	}
}

func TestDirectoriesThatAreRefusedAreLeftAlone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ file, content, want string }{
		"someone else's files": {"thesis.tex", "", "is not a Postrider data directory: it has files but no postrider.json"},
		"someone else's hidden files": {
			".bashrc", "", "is not a Postrider data directory: it has files but no postrider.json",
		},
		"a newer Postrider's":      {"postrider.json", `{"format":2}`, "was written by a newer Postrider (format 2, this one knows 1)"},
		"a marker that is no JSON": {"postrider.json", "half a ma", "is not a Postrider data directory: its postrider.json is not one"},
		"a marker of no format":    {"postrider.json", "{}", "is not a Postrider data directory: its postrider.json is not one"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			write(t, filepath.Join(path, tc.file), tc.content, 0o644)
			_, err := datadir.Open(path)
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if got := names(t, path); got != tc.file {
				t.Errorf("it now holds %s", got)
			}
		})
	}
}

func TestAFileIsNoDirectory(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data")
	write(t, path, "", 0o600)
	if _, err := datadir.Open(path); err == nil || err.Error() != path+" is not a directory" {
		t.Errorf("got %v", err)
	}
}

func TestAStartThatWasCutShortCanBeDoneAgain(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	write(t, filepath.Join(path, "postrider.lock"), "", 0o600)
	write(t, filepath.Join(path, "postrider.json.tmp"), `{"for`, 0o600)
	if err := os.Mkdir(filepath.Join(path, "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	open(t, path)
	if got := names(t, path); got != "lost+found node.name postrider.json postrider.lock" {
		t.Errorf("it holds %s", got)
	}
}

func TestAMarkerWithMoreInItIsRead(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	write(t, filepath.Join(path, "postrider.json"), `{"format":1,"colour":"blue"}`, 0o600)
	open(t, path)
}

func TestTheAdminKeyIsMadeOnceAndKept(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := open(t, path)
	key, made, err := d.AdminKey("")
	if err != nil || !made || !strings.HasPrefix(key, "pr_") || len(key) != len("pr_")+43 {
		t.Fatalf("got %q, made %v, %v", key, made, err)
	}
	wantMode(t, filepath.Join(path, "admin.key"), 0o600)
	again, made, err := d.AdminKey("")
	if again != key || made || err != nil {
		t.Errorf("got %q, made %v, %v; want %q", again, made, err, key)
	}
}

func TestAnAdminKeyFromTheEnvironmentWinsAndIsNotWritten(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	key, made, err := open(t, path).AdminKey("pr_mine")
	if key != "pr_mine" || made || err != nil {
		t.Errorf("got %q, made %v, %v", key, made, err)
	}
	if got := names(t, path); strings.Contains(got, "admin.key") {
		t.Errorf("it holds %s", got)
	}
}

func TestAnAdminKeyFileThatOthersMayReadIsClosedToThem(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := open(t, path)
	write(t, d.Path("admin.key"), "  pr_by_hand\n\n", 0o644)
	key, made, err := d.AdminKey("")
	if key != "pr_by_hand" || made || err != nil {
		t.Errorf("got %q, made %v, %v", key, made, err)
	}
	wantMode(t, d.Path("admin.key"), 0o600)
}

func TestAnAdminKeyFileWithoutAKeyIsNotReplaced(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"empty": "\n", "two lines": "pr_a\npr_b\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t, t.TempDir())
			write(t, d.Path("admin.key"), content, 0o600)
			if key, made, err := d.AdminKey(""); err == nil || made {
				t.Errorf("got %q, made %v", key, made)
			}
		})
	}
}
