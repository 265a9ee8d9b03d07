package pebblevisibility

import (
	"strconv"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/searchattribute/sadefs"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// First bytes of keys, and the end of the last. On disk: never change.
const (
	spaceRecords = 0x40 + iota
	spaceOrder
	spaceTerms
	spaceCounts
	spaceEnd
)

func space(first byte, namespaceID string) []byte {
	return keys.AppendID(append(make([]byte, 0, 128), first), namespaceID)
}

func recordKey(namespaceID, runID string) []byte {
	return keys.AppendID(space(spaceRecords, namespaceID), runID)
}

// position is a run's place in a list.
type position struct {
	closed, start instant
	runID         string
}

func (p position) append(key []byte) []byte {
	key = keys.AppendInt64Desc(key, int64(p.closed))
	key = keys.AppendInt64Desc(key, int64(p.start))
	return keys.AppendID(key, p.runID)
}

// checkPosition errs unless the bytes are a position and nothing else.
func checkPosition(key []byte) error {
	_, key, err := keys.CutInt64Desc(key)
	if err != nil {
		return err
	}
	if _, key, err = keys.CutInt64Desc(key); err != nil {
		return err
	}
	_, key, err = keys.CutID(key)
	if err == nil && len(key) > 0 {
		err = keys.ErrMalformed
	}
	return err
}

// term is a value that a field has in a run. Of a filter it may be how the value begins.
type term struct {
	field  field
	value  string
	prefix bool
}

// field is one that runs are found by. On disk: never change.
type field byte

const (
	byStatus           field = 1
	byType             field = 2
	byWorkflowID       field = 3
	byKeyword01        field = 4 // the tenant in Postrider's namespace, see package engine
	byKeyword02        field = 5 // the event type
	byDivision         field = 6 // has an entry only for runs that are in one
	byParentWorkflowID field = 7 // only for children
	byRootWorkflowID   field = 8 // only for those whose root is another workflow
	byProblem          field = 9 // one for each reported problem

	byRunID field = 255 // has no entries; the record is found by it
)

// name is what queries call the field.
func (f field) name() string {
	switch f {
	case byStatus:
		return sadefs.ExecutionStatus
	case byType:
		return sadefs.WorkflowType
	case byWorkflowID:
		return sadefs.WorkflowID
	case byKeyword01:
		return "Keyword01"
	case byKeyword02:
		return "Keyword02"
	case byDivision:
		return sadefs.TemporalNamespaceDivision
	case byParentWorkflowID:
		return sadefs.ParentWorkflowID
	case byRunID:
		return sadefs.RunID
	}
	return "" // nothing follows from finding a run by one of the others
}

// key is where the keys of entries of runs in which the field has a value begin.
func (f field) key(namespaceID string) []byte { return append(space(spaceTerms, namespaceID), byte(f)) }

// key is where those of the value begin, or of all values that begin with it.
func (t term) key(namespaceID string) []byte {
	if t.prefix {
		return keys.AppendStringPrefix(t.field.key(namespaceID), t.value)
	}
	return keys.AppendString(t.field.key(namespaceID), t.value)
}

func statusTerm(s enums.WorkflowExecutionStatus) term {
	return term{field: byStatus, value: strconv.Itoa(int(s))}
}

// terms are those that the run is found by.
func (r *record) terms() []term {
	terms := []term{statusTerm(r.status), {field: byType, value: r.workflowType}, {field: byWorkflowID, value: r.workflowID}}
	for _, f := range []field{byKeyword01, byKeyword02, byDivision} {
		if v := r.keyword(f.name()); v != nil {
			terms = append(terms, term{field: f, value: *v})
		}
	}
	if r.parentWorkflowID != nil {
		terms = append(terms, term{field: byParentWorkflowID, value: *r.parentWorkflowID})
	}
	if r.rootWorkflowID != r.workflowID {
		terms = append(terms, term{field: byRootWorkflowID, value: r.rootWorkflowID})
	}
	problems, _ := r.attributes[sadefs.TemporalReportedProblems].([]string)
	for _, p := range problems {
		terms = append(terms, term{field: byProblem, value: p})
	}
	return terms
}

// stored is all that is written for the run but for the counts, by key.
func (r *record) stored() map[string][]byte {
	if r == nil {
		return nil
	}
	at, summary := r.position(), r.summary().encode()
	all := map[string][]byte{
		string(recordKey(r.namespaceID, r.runID)):           r.encode(),
		string(at.append(space(spaceOrder, r.namespaceID))): summary,
	}
	for _, t := range r.terms() {
		all[string(at.append(t.key(r.namespaceID)))] = summary
	}
	return all
}
