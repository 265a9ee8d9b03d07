package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Bytes is a size that reads and writes itself as 512KiB or 1MiB.
type Bytes int64

// Units of Bytes.
const (
	KiB Bytes = 1 << (10 * (iota + 1))
	MiB
	GiB
	TiB
)

// ParseBytes reads a whole number with the unit B, KiB, MiB, GiB or TiB; without unit it is bytes.
func ParseBytes(text string) (Bytes, error) {
	digits := strings.TrimRight(text, "BKMGTi")
	unit := Bytes(1)
	switch text[len(digits):] {
	case "", "B":
	case "KiB":
		unit = KiB
	case "MiB":
		unit = MiB
	case "GiB":
		unit = GiB
	case "TiB":
		unit = TiB
	default:
		return 0, fmt.Errorf("%q is not a size such as 512KiB, 1MiB or 10GiB", text)
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > int64(1<<62/unit) {
		return 0, fmt.Errorf("%q is not a size such as 512KiB, 1MiB or 10GiB", text)
	}
	return Bytes(n) * unit, nil
}

// String is the size in the largest unit that it is a whole number of.
func (b Bytes) String() string {
	for _, u := range []struct {
		size Bytes
		name string
	}{{TiB, "TiB"}, {GiB, "GiB"}, {MiB, "MiB"}, {KiB, "KiB"}} {
		if b != 0 && b%u.size == 0 {
			return strconv.FormatInt(int64(b/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10) + "B"
}

// value is a flag that sets a field by a parse function.
type value[T any] struct {
	field  *T
	kind   string
	parse  func(string) (T, error)
	format func(T) string
}

func (v value[T]) String() string { return v.format(*v.field) }
func (v value[T]) Type() string   { return v.kind }

func (v value[T]) Set(text string) error {
	parsed, err := v.parse(text)
	if err == nil {
		*v.field = parsed
	}
	return err
}

func parsedBy[T any](field *T, kind string, parse func(string) (T, error), format func(T) string) pflag.Value {
	return value[T]{field, kind, parse, format}
}

func stringOf[T ~string](field *T, kind string) pflag.Value {
	return parsedBy(field, kind,
		func(text string) (T, error) { return T(text), nil },
		func(v T) string { return fmt.Sprint(v) }) // so that one that hides itself stays hidden
}

func parseBool(text string) (bool, error) {
	v, err := strconv.ParseBool(text)
	if err != nil {
		return false, fmt.Errorf("%q is neither true nor false", text)
	}
	return v, nil
}

func parseFloat(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return v, nil
}

func formatFloat(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func durationOf(field *time.Duration) pflag.Value {
	return parsedBy(field, "duration", parseDuration, formatDuration)
}

// parseDuration also reads whole days, such as 30d.
func parseDuration(text string) (time.Duration, error) {
	if digits, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseInt(digits, 10, 32); err == nil && n < 100_000 && n > -100_000 {
			return time.Duration(n) * day, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration such as 30s, 12h or 30d", text)
	}
	return d, nil
}

func formatDuration(d time.Duration) string {
	if d >= day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	return d.String()
}

// prefixesOf replaces the whole list each time that it is set.
func prefixesOf(field *[]netip.Prefix) pflag.Value {
	return parsedBy(field, "networks", parsePrefixes, func(list []netip.Prefix) string {
		var texts []string
		for _, p := range list {
			texts = append(texts, p.String())
		}
		return strings.Join(texts, ",")
	})
}

func parsePrefixes(text string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	var errs []error
	for part := range strings.SplitSeq(text, ",") {
		p, err := netip.ParsePrefix(strings.TrimSpace(part))
		if err != nil {
			errs = append(errs, fmt.Errorf("%q is not a network such as 10.1.0.0/16", part))
		}
		list = append(list, p.Masked())
	}
	return list, errors.Join(errs...)
}

func parseInt64(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number", text)
	}
	return n, nil
}

func formatInt64(n int64) string { return strconv.FormatInt(n, 10) }

func parseLevel(text string) (slog.Level, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(text)); err != nil {
		return 0, fmt.Errorf("%q is not debug, info, warn or error", text)
	}
	return level, nil
}

func formatLevel(level slog.Level) string { return strings.ToLower(level.String()) }
