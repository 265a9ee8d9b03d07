package sqlite

import (
	"path/filepath"
	"testing"
)

func TestZZ(t *testing.T) {
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "x"), Options{})
	if err != nil { t.Fatal(err) }
	defer db.Close()
	for _, q := range []string{updateSingle, updateNotHeldOnly, deleteOutbox, insertEvent, insertDelivery, insertAttempt} {
		rows, err := db.reader.pool.Query("EXPLAIN "+q, make([]any, 20)...)
		if err != nil { t.Fatal(err) }
		t.Log(q)
		n := 0
		for rows.Next() {
			var a, p1,p2,p3,p5 any
			var op, p4, c any
			rows.Scan(&a,&op,&p1,&p2,&p3,&p4,&p5,&c)
			n++
			if op=="OpenEphemeral" || op=="Transaction" || op=="Once" || op == "OpenWrite" { t.Log(a,op,p1,p2,p3,p4,p5) }
		}
		t.Log(n, "ops")
	}
}
