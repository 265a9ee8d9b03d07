package terminal_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/postrider/postrider/internal/terminal"
)

func noEnv(string) (string, bool) { return "", false }

func TestTablesAreAligned(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	table := terminal.NewTable("EVENT", "STATE", "ATTEMPTS", "ERROR")
	table.Add(terminal.Cell{Text: "evt_1"}, terminal.Cell{Text: "delivered", Style: terminal.Green}, terminal.Cell{Text: "1", Right: true}, terminal.Cell{})
	table.Add(terminal.Cell{Text: "évt_12"}, terminal.Cell{Text: "held"}, terminal.Cell{Text: "12", Right: true}, terminal.Cell{Text: "HTTP\x1b[2J 503"})
	table.Add(terminal.Cell{}, terminal.Cell{Text: "held"}, terminal.Cell{Text: "3", Right: true}, terminal.Cell{})
	table.Print(terminal.New(&out, noEnv))
	want := "" +
		"EVENT   STATE      ATTEMPTS  ERROR\n" +
		"evt_1   delivered         1\n" +
		"évt_12  held             12  HTTP·[2J 503\n" +
		"        held              3\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestAnEmptyTableIsNothing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	terminal.NewTable("EVENT").Print(terminal.New(&out, noEnv))
	if out.Len() != 0 {
		t.Errorf("got %q", out.String())
	}
}

func TestWhatIsNoTerminalGetsPlainText(t *testing.T) {
	t.Parallel()
	file, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	to := terminal.New(file, noEnv)
	if to.Live() || to.Width() != 80 {
		t.Errorf("live %v, width %d", to.Live(), to.Width())
	}
	to.Redraw("10 %")
	to.Printf("%s\n", to.Paint(terminal.Red, "exhausted"))
	to.Clear()
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file.Name())
	if err != nil || string(got) != "exhausted\n" {
		t.Errorf("got %q, %v", got, err)
	}
}
