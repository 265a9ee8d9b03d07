package figures

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"
)

// Spread is a figure over several runs.
type Spread struct {
	Name             string
	Min, Median, Max float64
	decimals         int
}

// Spreads is the spread of each figure over the runs, in the order of the first run.
func Spreads(runs [][]Figure) []Spread {
	var spreads []Spread
	if len(runs) == 0 {
		return nil
	}
	for _, f := range runs[0] {
		var values []float64
		for _, run := range runs {
			for _, g := range run {
				if g.Name == f.Name {
					values = append(values, g.Value)
				}
			}
		}
		slices.Sort(values)
		spreads = append(spreads, Spread{f.Name, values[0], median(values), values[len(values)-1], f.Decimals})
	}
	return spreads
}

// median of sorted values; of two in the middle their mean.
func median(values []float64) float64 {
	n := len(values)
	return (values[n/2] + values[(n-1)/2]) / 2
}

// Table writes the spreads for people. With one run there is one column.
func Table(w io.Writer, runs [][]Figure) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	if len(runs) > 1 {
		_, _ = fmt.Fprintln(t, "\tmin\tmedian\tmax\t") // its errors are kept for Flush
	}
	for _, s := range Spreads(runs) {
		number := func(v float64) string { return strconv.FormatFloat(v, 'f', s.decimals, 64) }
		if len(runs) > 1 {
			_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t\n", s.Name, number(s.Min), number(s.Median), number(s.Max))
		} else {
			_, _ = fmt.Fprintf(t, "%s\t%s\t\n", s.Name, number(s.Median))
		}
	}
	return t.Flush()
}
