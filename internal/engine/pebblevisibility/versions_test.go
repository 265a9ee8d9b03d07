package pebblevisibility_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"
	"go.temporal.io/server/common/persistence/visibility/store"

	"github.com/postrider/postrider/internal/engine/pebblevisibility"
)

func TestALateOrRepeatedTaskDoesNotChangeANewerRecord(t *testing.T) {
	t.Parallel()
	type write = func(t failer, s store.VisibilityStore)
	started := func(version int64) write { return aRun("started", version, nil).start }
	upserted := func(version int64) write { return aRun("upserted", version, nil).upsert }
	closed := func(version int64) write { return aRun("closed", version, nil).close }
	deleted := func(version int64) write { return aRun("", version, nil).delete }
	for name, tc := range map[string]struct {
		writes []write
		want   []string
	}{
		"a start is recorded":                         {[]write{started(1)}, []string{"started"}},
		"a close after the start wins":                {[]write{started(1), closed(2)}, []string{"closed"}},
		"a start after the close is late":             {[]write{closed(2), started(1)}, []string{"closed"}},
		"a start never replaces anything":             {[]write{closed(2), started(3)}, []string{"closed"}},
		"an upsert after the close is late":           {[]write{closed(3), upserted(2)}, []string{"closed"}},
		"an upsert of the same version is no upsert":  {[]write{started(2), upserted(2)}, []string{"started"}},
		"a close that comes again changes nothing":    {[]write{closed(2), upserted(3), closed(2)}, []string{"upserted"}},
		"a delete wins whatever its version":          {[]write{closed(9), deleted(1)}, []string{}},
		"a delete of nothing does nothing":            {[]write{deleted(1)}, []string{}},
		"a delete that comes again changes nothing":   {[]write{started(1), deleted(2), deleted(2)}, []string{}},
		"a run can be recorded anew after its delete": {[]write{closed(9), deleted(1), upserted(1)}, []string{"upserted"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := openDB(t)
			s := onPebble(t, db)
			for _, w := range tc.writes {
				w(t, s)
			}
			if got := listed(t, s, ""); !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
			if err := pebblevisibility.Check(db); err != nil {
				t.Error(err)
			}
			if n, err := pebblevisibility.Keys(db); err != nil || len(tc.want) == 0 && n > 0 {
				t.Errorf("%d keys are left over (error: %v)", n, err)
			}
		})
	}
}

func TestWritesAtTheSameTimeLeaveTheLastVersionAndExactCounts(t *testing.T) {
	t.Parallel()
	db := openDB(t)
	factory := pebblevisibility.NewFactory(db)
	const versions = 200
	runs := []string{uuid.NewString(), uuid.NewString(), uuid.NewString()}
	var all sync.WaitGroup
	for writer := range 4 { // each service of a server has a store of its own
		s := newStore(t, factory)
		all.Go(func() {
			for v := int64(writer); v < versions; v++ {
				for _, id := range runs {
					aRun(fmt.Sprint(v), v, func(r *run) { r.RunID, r.WorkflowTypeName = id, fmt.Sprint(v%3) }).upsert(t, s)
				}
			}
		})
	}
	all.Wait()
	s := newStore(t, factory)
	if got, want := listed(t, s, ""), []string{"199", "199", "199"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := count(t, s, someNamespace, ""), "3"; got != want {
		t.Errorf("counted %s, want %s", got, want)
	}
	if err := pebblevisibility.Check(db); err != nil {
		t.Error(err)
	}
}
