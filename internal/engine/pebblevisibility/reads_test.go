package pebblevisibility_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/server/common/persistence/visibility/store"

	"github.com/postrider/postrider/internal/engine/pebblevisibility"
)

const many = 3000

// many workflows, delivered one a second, of which one in 100 is of tenant rare and as many still run.
func manyRuns(t *testing.T) store.VisibilityStore {
	t.Helper()
	s := onPebble(t, openDB(t))
	for i := range many {
		var id uuid.UUID
		binary.BigEndian.PutUint64(id[:], uint64(i)*0x9e3779b97f4a7c15)
		r := aRun(fmt.Sprintf("evt_%d", i), 1, func(r *run) {
			r.RunID, r.StartTime = id.String(), noon().Add(time.Duration(i)*time.Second)
			r.closed = r.StartTime.Add(time.Second)
			tenant := "common"
			if i%100 == 0 {
				tenant = "rare"
			}
			r.set(map[string]any{"Keyword01": tenant, "Keyword02": fmt.Sprint("type.", i%2)})
		})
		if i%100 == 1 {
			r.start(t, s)
		} else {
			r.close(t, s)
		}
	}
	return s
}

func TestAPageIsReadWithoutReadingMuchThatIsNotOnIt(t *testing.T) {
	t.Parallel()
	s := manyRuns(t)
	at := func(i int) string { return noon().Add(time.Duration(i) * time.Second).Format(time.RFC3339Nano) }
	for query, want := range map[string]pebblevisibility.Reads{
		"":                                           {Entries: 10},
		"ExecutionStatus = 'Running'":                {Entries: 10},
		"ExecutionStatus = 'Completed'":              {Entries: 10},
		"ExecutionStatus = 'Failed'":                 {},
		"WorkflowType = 'DeliverEvent'":              {Entries: 10},
		"WorkflowId = 'evt_77'":                      {Entries: 1},
		"WorkflowId IN ('evt_77', 'evt_78', 'none')": {Entries: 2},
		"WorkflowId STARTS_WITH 'evt_2777'":          {Entries: 1},
		"WorkflowId STARTS_WITH 'evt_'":              {Entries: 10, Records: true}, // too many to sort
		"WorkflowId = 'evt_77' OR WorkflowId = 'evt_78' AND ExecutionStatus = 'Completed'": {Entries: 2},
		"RunId = '00000000-0000-0000-0000-000000000000'":                                   {Entries: 1},
		"RunId = 'none'":              {},
		"RootWorkflowId = 'evt_77'":   {Entries: 1, Records: true},
		"ParentWorkflowId = 'evt_77'": {},
		strings.Repeat("Keyword01 = 'rare' AND ", 20) + "Keyword02 = 'type.0'": {Entries: 10, Records: true}, // the rest is checked
		"Keyword01 = 'rare'": {Entries: 10},
		"Keyword01 = 'rare' AND Keyword02 = 'type.0' AND ExecutionStatus != 'Running'":                 {Entries: 10},
		"Keyword01 = 'rare' AND Keyword02 = 'type.1'":                                                  {},
		"TemporalReportedProblems IN ('category=WorkflowTaskFailed', 'category=WorkflowTaskTimedOut')": {Records: true},
		"TemporalNamespaceDivision = 'Scheduler'":                                                      {},
		"CloseTime BETWEEN '" + at(2005) + "' AND '" + at(2009) + "'":                                  {Entries: 5},
		"CloseTime < '" + at(3) + "'":                                                                  {Entries: 1},
		"CloseTime IS NULL AND StartTime > '" + at(many-250) + "'":                                     {Entries: 30},
		"Keyword01 = 'rare' AND CloseTime > '" + at(500) + "' AND StartTime < '" + at(many) + "'":      {Entries: 10},
		"TaskQueue = '' AND CloseTime = '" + at(2000) + "'":                                            {Entries: 1, Records: true},
	} {
		got, err := pebblevisibility.ListReads(s, someNamespace, query, 10, many-1)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if got != want {
			t.Errorf("%s: got %+v, want %+v", query, got, want)
		}
	}
	for query, want := range map[string]int{
		"WorkflowId STARTS_WITH 'evt_'":                                 many,
		"WorkflowId STARTS_WITH 'evt_' AND ExecutionStatus = 'Running'": many / 100,
		"Keyword01 = 'rare'":                                            many / 100,
		"":                                                              many,
	} {
		if got := count(t, s, someNamespace, query); got != fmt.Sprint(want) {
			t.Errorf("%s: counted %s, want %d", query, got, want)
		}
	}
}
