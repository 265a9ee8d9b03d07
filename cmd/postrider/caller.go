package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/internal/client"
	"github.com/postrider/postrider/internal/config"
	"github.com/postrider/postrider/internal/terminal"
	"github.com/postrider/postrider/webhook"
)

// caller is what the commands that call the API work with.
type caller struct {
	*client.Client
	out  *terminal.Terminal
	raw  io.Writer // what --json is written to
	told *terminal.Terminal

	tenant string
	json   bool
}

// callFlags are the flags that such commands have in common.
type callFlags struct {
	api, key, dataDir, tenant string
	json                      bool
}

// calling makes a command one that calls the API: it gets the flags, and its errors are told readably.
func calling(cmd *cobra.Command, run func(ctx context.Context, c *caller, args []string) error) *cobra.Command {
	var f callFlags
	flags := cmd.Flags()
	flags.StringVar(&f.api, "api", "", "address of the API; also POSTRIDER_API (default "+apiAddress(os.LookupEnv)+")")
	flags.StringVar(&f.key, "key", "", "API key; better POSTRIDER_KEY or POSTRIDER_ADMIN_KEY (default the admin.key of --data-dir)")
	flags.StringVar(&f.dataDir, "data-dir", "", "data directory to take admin.key from; also POSTRIDER_DATA_DIR (default "+config.Default().DataDir+")")
	flags.StringVar(&f.tenant, "tenant", "", "whose it is (default the key's own tenant)")
	flags.BoolVar(&f.json, "json", false, "print the API's JSON as it comes")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, key, err := f.open(cmd)
		if err != nil {
			return err
		}
		return c.explain(run(cmd.Context(), c, args), key != "")
	}
	return cmd
}

func (f callFlags) open(cmd *cobra.Command) (_ *caller, key string, err error) {
	if f.api == "" {
		f.api = apiAddress(os.LookupEnv)
	}
	if key, err = f.findKey(os.LookupEnv); err != nil {
		return nil, "", err
	}
	api, err := client.New(client.Config{API: f.api, Key: key, UserAgent: "postrider-cli/" + version})
	if err != nil {
		return nil, "", err
	}
	return &caller{
		Client: api, out: terminal.New(cmd.OutOrStdout(), os.LookupEnv), raw: cmd.OutOrStdout(),
		told: terminal.New(cmd.ErrOrStderr(), os.LookupEnv), tenant: f.tenant, json: f.json,
	}, key, nil
}

// apiAddress is POSTRIDER_API, or where a node with the same environment listens.
func apiAddress(lookup func(string) (string, bool)) string {
	if api, _ := lookup("POSTRIDER_API"); api != "" {
		return api
	}
	listen, _ := lookup(config.Variable("listen"))
	if listen == "" {
		listen = config.Default().Listen
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "http://" + listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// findKey may find none: some routes need none, and the API says which do.
func (f callFlags) findKey(lookup func(string) (string, bool)) (string, error) {
	variable := func(name string) string {
		value, _ := lookup(name)
		return value
	}
	if key := cmp.Or(f.key, variable("POSTRIDER_KEY"), variable(config.AdminKeyVariable)); key != "" {
		return key, nil
	}
	dir := cmp.Or(f.dataDir, variable(config.Variable("data-dir")), config.Default().DataDir)
	text, err := os.ReadFile(filepath.Join(dir, "admin.key"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		return "", fmt.Errorf("read the admin key: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// explain tells what went wrong: one line, and one more for each faulty field if there are several.
func (c *caller) explain(err error, hadKey bool) error {
	var problem *client.Problem
	var unreachable *client.Unreachable
	switch {
	case errors.As(err, &unreachable):
		return fmt.Errorf("%w; is `postrider serve` running there?", err)
	case !errors.As(err, &problem):
		return err
	case c.json && len(problem.JSON) > 0:
		c.printJSON(problem.JSON)
	}
	if errors.Is(err, webhook.Unauthorized) && !hadKey {
		return errors.New("the API wants a key: set POSTRIDER_KEY, or give --key or the --data-dir of the node")
	}
	if len(problem.Fields) < 2 {
		return err
	}
	c.told.Printf("postrider: %s\n", problem.Summary())
	for _, f := range problem.Fields {
		c.told.Printf("  %s %s\n", c.told.Paint(terminal.Bold, terminal.Printable(f.Field)), terminal.Printable(f.Detail))
	}
	return errShown
}

func (c *caller) printJSON(text []byte) {
	_, _ = c.raw.Write(text)
	if len(text) > 0 && text[len(text)-1] != '\n' {
		_, _ = io.WriteString(c.raw, "\n")
	}
}

// shown prints an answer: as it came with --json, else as show does.
func shown[T any](c *caller, answer client.Answer[T], err error, show func(T)) error {
	switch {
	case err != nil:
		return err
	case c.json:
		c.printJSON(answer.JSON)
	default:
		show(answer.Value)
	}
	return nil
}

// group is a command that has commands and does nothing itself.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())
			}
			return cmd.Help()
		},
	}
	cmd.AddCommand(commands...)
	return cmd
}
