package terminal

import (
	"strings"
	"unicode/utf8"
)

// Cell is one field of a table.
type Cell struct {
	Text  string
	Style Style
	Right bool // aligned to the right
}

// Table collects rows and writes them aligned.
type Table struct {
	head []string
	rows [][]Cell
}

// NewTable has a column under each head.
func NewTable(head ...string) *Table { return &Table{head: head} }

// Add adds a row of one cell for each column.
func (t *Table) Add(cells ...Cell) { t.rows = append(t.rows, cells) }

// Print writes the table, with its head unless it has no rows.
func (t *Table) Print(to *Terminal) {
	if len(t.rows) == 0 {
		return
	}
	rows := make([][]Cell, 0, len(t.rows)+1)
	head := make([]Cell, len(t.head))
	for i, text := range t.head {
		head[i] = Cell{Text: text, Style: Dim, Right: t.rows[0][i].Right}
	}
	rows = append(append(rows, head), t.rows...)
	widths := make([]int, len(t.head))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(Printable(cell.Text)))
		}
	}
	for _, row := range rows {
		to.Printf("%s\n", line(to, row, widths))
	}
}

// line aligns on what is seen: styles take no room, and nothing trails.
func line(to *Terminal, row []Cell, widths []int) string {
	var b strings.Builder
	pending := 0
	for i, cell := range row {
		text := Printable(cell.Text)
		space := widths[i] - utf8.RuneCountInString(text)
		if cell.Right {
			pending, space = pending+space, 0
		}
		if text != "" {
			b.WriteString(strings.Repeat(" ", pending) + to.Paint(cell.Style, text))
			pending = 0
		}
		pending += space + 2
	}
	return b.String()
}
