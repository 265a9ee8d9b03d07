package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/postrider/postrider/internal/config"
)

func TestTheOperationsPageListsEverySettingWithItsDefault(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.SplitSeq(string(page), "\n") {
		if cells := strings.Split(line, "|"); len(cells) > 4 && strings.HasPrefix(line, "| `--") {
			rows[strings.Trim(cells[1], " `-")] = cells[2] + "|" + cells[3]
		}
	}
	cfg := config.Default()
	fs := pflag.NewFlagSet("postrider", pflag.ContinueOnError)
	cfg.Bind(fs)
	fs.VisitAll(func(f *pflag.Flag) {
		row, ok := rows[f.Name]
		delete(rows, f.Name)
		if !ok {
			t.Errorf("--%s is missing", f.Name)
			return
		}
		variables, value, _ := strings.Cut(row, "|")
		if !strings.Contains(variables, "`"+config.Variable(f.Name)+"`") {
			t.Errorf("--%s: its variable %s is missing", f.Name, config.Variable(f.Name))
		}
		if got := strings.Trim(value, " `"); got != f.DefValue {
			t.Errorf("--%s: the page says %q, the default is %q", f.Name, got, f.DefValue)
		}
	})
	for name := range rows {
		t.Errorf("the page lists --%s, which is not a flag", name)
	}
}
