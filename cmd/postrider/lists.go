package main

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/postrider/postrider/internal/client"
	"github.com/postrider/postrider/internal/terminal"
	"github.com/postrider/postrider/webhook"
)

// filters are the flags of a list: which page of it, and what is on it.
type filters struct {
	limit  int
	cursor string
	since  time.Duration
	named  map[string]*string // by the API's name
}

func newFilters(flags *pflag.FlagSet) *filters {
	f := &filters{named: map[string]*string{}}
	flags.IntVar(&f.limit, "limit", 50, "how many to list at most, up to 250")
	flags.StringVar(&f.cursor, "cursor", "", "go on where the page before ended")
	return f
}

// by adds a filter: the flag's name and the API's.
func (f *filters) by(flags *pflag.FlagSet, flag, field, usage string) {
	f.named[field] = flags.String(flag, "", usage)
}

// bySince adds the filter by age.
func (f *filters) bySince(flags *pflag.FlagSet) {
	flags.DurationVar(&f.since, "since", 0, "only what was made in the last such time, such as 1h")
}

func (f *filters) query(tenant string) url.Values {
	query := url.Values{"limit": {strconv.Itoa(f.limit)}}
	set := func(field, value string) {
		if value != "" {
			query.Set(field, value)
		}
	}
	set("cursor", f.cursor)
	set("tenant", tenant)
	for field, value := range f.named {
		set(field, *value)
	}
	if f.since > 0 {
		set("created_at[gte]", time.Now().Add(-f.since).UTC().Format(time.RFC3339Nano))
	}
	return query
}

// printPage prints the rows of a page, and how to get the next one.
func printPage[T any](c *caller, page client.Page[T], none string, table *terminal.Table, cells func(T) []terminal.Cell) {
	if len(page.Data) == 0 {
		c.told.Printf("%s\n", none)
		return
	}
	for _, row := range page.Data {
		table.Add(cells(row)...)
	}
	table.Print(c.out)
	if page.NextCursor != "" {
		c.told.Printf("There are more: --cursor %s\n", page.NextCursor)
	}
}

// pairs prints what has a name and a value, without those that have none.
func (c *caller) pairs(namesAndValues ...string) {
	width := 0
	for i := 0; i < len(namesAndValues); i += 2 {
		width = max(width, len(namesAndValues[i]))
	}
	for i := 0; i < len(namesAndValues); i += 2 {
		if name, value := namesAndValues[i], namesAndValues[i+1]; value != "" {
			c.out.Printf("%s  %s\n", c.out.Paint(terminal.Dim, fmt.Sprintf("%-*s", width, name)), terminal.Printable(value))
		}
	}
}

func text(s string) terminal.Cell { return terminal.Cell{Text: s} }

func number(n int) terminal.Cell { return terminal.Cell{Text: strconv.Itoa(n), Right: true} }

// state is a state, coloured by whether all is well, may yet be, or is not.
func state[T ~string](s T) terminal.Cell {
	style := terminal.Plain
	switch webhook.DeliveryState(s) {
	case webhook.DeliveryDelivered, "enabled":
		style = terminal.Green
	case webhook.DeliveryRetrying, webhook.DeliveryHeld, "paused", "partial", "unrouted":
		style = terminal.Yellow
	case webhook.DeliveryExhausted, webhook.DeliveryExpired, "disabled":
		style = terminal.Red
	case webhook.DeliveryCancelled:
		style = terminal.Dim
	case webhook.DeliveryPending, "accepted", "delivering":
		style = terminal.Cyan
	}
	return terminal.Cell{Text: string(s), Style: style}
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05.000")
}

// until is how long it is to t, in a form that fits a column.
func until(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	left := time.Until(t)
	if left <= 0 {
		return "now"
	}
	return "in " + brief(left)
}

// brief is a duration in two or three digits.
func brief(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 1, 64) + "ms"
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s"
	default:
		return d.Round(time.Second).String()
	}
}

// last is how a delivery's last attempt went.
func last(d client.Delivery) string {
	switch {
	case d.LastStatus != 0:
		return cmp.Or(d.LastError, fmt.Sprintf("HTTP %d", d.LastStatus))
	default:
		return cmp.Or(d.LastError, string(d.LastErrorClass))
	}
}
