package pebblevisibility_test

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"pgregory.net/rapid"
)

func ids() []string      { return []string{"wf-1", "wf-2", "evt_3", "evt%3", "wörld", "x"} }
func types() []string    { return []string{"DeliverEvent", "Report"} }
func keywords() []string { return []string{"acme", "acme corp", "globex", "", "a%", "a_b"} }
func problems() []string {
	return []string{"category=workflowtaskfailed", "category=workflowtasktimedout", "cause=other"}
}

func texts() []string {
	return []string{"the invoice was paid", "Paid: twice", "no-one paid", "Überweisung", "nothing"}
}

func statuses() []enums.WorkflowExecutionStatus {
	return []enums.WorkflowExecutionStatus{
		enums.WORKFLOW_EXECUTION_STATUS_RUNNING, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED,
		enums.WORKFLOW_EXECUTION_STATUS_FAILED, enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT,
	}
}

// moment is one of few times, so that some are equal. SQLite has custom times to the millisecond and compares them as text,
// in which trailing zeros must not be; hence the nine.
func moment() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		return time.Date(2026, 5, 1, 12, 0, rapid.IntRange(0, 2).Draw(t, "s"), 9_000_000*rapid.IntRange(1, 9).Draw(t, "9ms"), time.UTC)
	})
}

// quoted is one of the values as it is written in a query.
func quoted(values []string) *rapid.Generator[string] {
	return rapid.Map(rapid.SampledFrom(values), func(s string) string { return "'" + s + "'" })
}

func momentText() *rapid.Generator[string] {
	return rapid.Map(moment(), func(t time.Time) string { return "'" + t.Format(time.RFC3339Nano) + "'" })
}

func statusText() *rapid.Generator[string] {
	return rapid.Map(rapid.SampledFrom(statuses()), func(s enums.WorkflowExecutionStatus) string { return "'" + s.String() + "'" })
}

func intText() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"-2", "-1", "0", "1", "2", "100", "0.5", "-1.5"})
}

// column is what can be said of a search attribute.
type column struct {
	name      string
	literal   *rapid.Generator[string]
	operators string
}

const (
	ofKeywords = "= != < <= > >= IN NOT_IN BETWEEN NOT_BETWEEN STARTS_WITH NOT_STARTS_WITH IS"
	ofNumbers  = "= != < <= > >= IN NOT_IN BETWEEN NOT_BETWEEN IS"
	ofBools    = "= != < <= > >= IN NOT_IN IS"
	ofLists    = "= != IN NOT_IN IS"
	ofTexts    = "= != IS"
)

func columns() []column {
	prefixes := append(keywords(), ids()...)
	return []column{
		{"WorkflowId", quoted(ids()), ofKeywords},
		{"WorkflowType", quoted(types()), ofKeywords},
		{"TaskQueue", quoted([]string{"q1", "q2", "q"}), ofKeywords},
		{"RunId", quoted([]string{"1", "8", "no"}), ofKeywords},
		{"ParentWorkflowId", quoted(ids()), ofKeywords},
		{"RootWorkflowId", quoted(ids()), ofKeywords},
		{"ExecutionStatus", statusText(), strings.ReplaceAll(ofKeywords, "STARTS_WITH NOT_STARTS_WITH ", "")},
		{"StartTime", momentText(), ofNumbers},
		{"ExecutionTime", momentText(), ofNumbers},
		{"CloseTime", momentText(), ofNumbers},
		{"HistoryLength", intText(), ofNumbers},
		{"HistorySizeBytes", intText(), ofNumbers},
		{"ExecutionDuration", rapid.SampledFrom([]string{"'1s'", "'00:00:02'", "1000000000"}), ofNumbers},
		{"StateTransitionCount", intText(), ofNumbers},
		{"TemporalNamespaceDivision", quoted([]string{"Batcher", "Scheduler"}), ofKeywords},
		{"TemporalReportedProblems", quoted(problems()), ofLists},
		{"Keyword01", quoted(prefixes), ofKeywords},
		{"Keyword02", quoted(prefixes), ofKeywords},
		{"Keyword03", quoted(prefixes), ofKeywords},
		{"Int01", intText(), ofNumbers},
		{"Double01", intText(), ofNumbers},
		{"Bool01", rapid.SampledFrom([]string{"true", "false"}), ofBools},
		{"Datetime01", momentText(), ofNumbers},
		{"Text01", quoted([]string{"paid", "PAID", "invoice twice", "no-one", "uberweisung", "absent"}), ofTexts},
		{"KeywordList01", quoted([]string{"acme", "acme corp", "globex", "none"}), ofLists},
	}
}

// condition is a query, with and, or and not nested at most so deep. An empty one is allowed at the top.
func condition(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		if rapid.IntRange(0, 20).Draw(t, "empty") == 0 {
			return ""
		}
		return nested(depth).Draw(t, "condition")
	})
}

func nested(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		kind := "comparison"
		if depth > 0 {
			kind = rapid.SampledFrom([]string{"comparison", "AND", "AND", "OR", "NOT", "()"}).Draw(t, "kind")
		}
		part := func() string { return nested(depth-1).Draw(t, "part") }
		switch kind {
		case "AND", "OR":
			return fmt.Sprintf("%s %s %s", part(), kind, part())
		case "NOT":
			return fmt.Sprintf("NOT (%s)", part())
		case "()":
			return fmt.Sprintf("(%s)", part())
		}
		return comparison(rapid.SampledFrom(columns()).Draw(t, "column")).Draw(t, "comparison")
	})
}

func comparison(c column) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		literal := func() string { return c.literal.Draw(t, "literal") }
		switch op := strings.ReplaceAll(rapid.SampledFrom(strings.Fields(c.operators)).Draw(t, "operator"), "NOT_", "NOT "); op {
		case "IN", "NOT IN":
			return fmt.Sprintf("%s %s (%s, %s)", c.name, op, literal(), literal())
		case "BETWEEN", "NOT BETWEEN":
			return fmt.Sprintf("%s %s %s AND %s", c.name, op, literal(), literal())
		case "IS":
			return c.name + rapid.SampledFrom([]string{" IS NULL", " IS NOT NULL"}).Draw(t, "null")
		default:
			return fmt.Sprintf("%s %s %s", c.name, op, literal())
		}
	})
}
