package sqlite

import "maps"

// When and how far commits keep apart.
const (
	Crowd    = crowd
	Distance = distance
)

// Statements is the text of every statement that the database has run and kept.
func (db *DB) Statements() []string {
	texts := map[string]bool{}
	add := func(c *conn) {
		for text := range c.statements {
			texts[text] = true
		}
	}
	db.reader.mu.Lock()
	for text := range db.reader.statements {
		texts[text] = true
	}
	db.reader.mu.Unlock()
	for range snapshots {
		c := <-db.reader.snapshots
		add(c)
		defer func() { db.reader.snapshots <- c }()
	}
	if err := db.writer.pause(func() error { add(db.writer.conn); return nil }); err != nil {
		panic(err)
	}
	var list []string
	for text := range maps.Keys(texts) {
		list = append(list, text)
	}
	return list
}
