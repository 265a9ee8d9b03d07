package sqldb

import (
	"slices"
	"strings"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/store/internal/cursor"
)

// selection builds a SELECT with numbered parameters.
type selection struct {
	from  string
	where []string
	args  []any
}

// add adds a condition; each question mark in it takes one of the arguments.
func (s *selection) add(condition string, args ...any) {
	parts := strings.Split(condition, "?")
	b := []byte(parts[0])
	for i, part := range parts[1:] {
		s.args = append(s.args, args[i])
		b = append(appendInt(append(b, '$'), len(s.args)), part...)
	}
	s.where = append(s.where, string(b))
}

// within adds the range of times of a column.
func (s *selection) within(column string, r store.TimeRange) {
	if !r.From.IsZero() {
		s.add(column+" >= ?", Micros(r.From))
	}
	if !r.To.IsZero() {
		s.add(column+" < ?", Micros(r.To))
	}
}

// order is the columns that a list is ordered by, all in one direction, and which part of a
// position belongs to each.
type order struct {
	columns    []string
	values     func(cursor.Position) []any
	descending bool
}

// page is the statement for one page: one row more than asked for tells whether there are more.
func (s *selection) page(columns string, o order, c *cursor.Cursor, limit int) (string, []any) {
	descending := o.descending
	if c != nil {
		descending = descending != c.Back
		comparison := " > "
		if descending {
			comparison = " < "
		}
		marks := strings.TrimSuffix(strings.Repeat("?,", len(o.columns)), ",")
		s.add("("+strings.Join(o.columns, ", ")+")"+comparison+"("+marks+")", o.values(c.Position)...)
	}
	direction := ""
	if descending {
		direction = " DESC"
	}
	where := ""
	if len(s.where) > 0 {
		where = " WHERE " + strings.Join(s.where, " AND ")
	}
	s.args = append(s.args, limit+1)
	return "SELECT " + columns + " FROM " + s.from + where +
		" ORDER BY " + strings.Join(o.columns, direction+", ") + direction +
		" LIMIT $" + string(appendInt(nil, len(s.args))), s.args
}

// listPage reads one page of a list. fetch returns up to limit+1 rows beyond the cursor, in the
// direction that it asks for; at is the position of a row.
func listPage[T any](list string, q store.PageQuery, fetch func(c *cursor.Cursor, limit int) ([]T, error),
	at func(T) cursor.Position,
) (store.Page[T], error) {
	limit := q.Limit
	if limit <= 0 {
		limit = store.DefaultLimit
	}
	var from *cursor.Cursor
	if q.Cursor != "" {
		c, err := cursor.Parse(list, q.Cursor)
		if err != nil {
			return store.Page[T]{}, err
		}
		from = &c
	}
	rows, err := fetch(from, limit)
	if err != nil {
		return store.Page[T]{}, err
	}
	more := len(rows) > limit
	rows = rows[:min(len(rows), limit)]
	back := from != nil && from.Back
	if back {
		slices.Reverse(rows)
	}
	page := store.Page[T]{Data: rows}
	if len(rows) == 0 {
		return page, nil
	}
	if more && !back || back {
		page.NextCursor = cursor.Cursor{Position: at(rows[len(rows)-1])}.String(list)
	}
	if more && back || from != nil && !back {
		page.PrevCursor = cursor.Cursor{Position: at(rows[0]), Back: true}.String(list)
	}
	return page, nil
}
