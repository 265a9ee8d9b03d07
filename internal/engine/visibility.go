package engine

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const (
	visibilityTable = "executions_visibility"
	keywordLists    = "executions_visibility_fts_keyword_list"

	// newestFirst is the order of every list, as Temporal's own indexes have it.
	newestFirst = "(COALESCE(close_time, '9999-12-31 23:59:59+00:00')) DESC, start_time DESC, run_id"
)

var indexName = regexp.MustCompile(`^CREATE INDEX (\w+)`)

// visibilitySchema is Temporal's without most of its 58 indexes, two full-text tables and three
// triggers, all of which every write pays for: 35 to 40 % of the embedded server's CPU. What is left serves lists
// and counts by state, type, ID, time, and by our search attributes; others work, but read all rows.
var visibilitySchema = schema{
	keep: func(statement string) bool {
		if name := indexName.FindStringSubmatch(statement); name != nil {
			return slices.Contains(keptIndexes, name[1])
		}
		return strings.HasPrefix(statement, "CREATE TABLE "+visibilityTable) ||
			strings.HasPrefix(statement, "CREATE VIRTUAL TABLE "+keywordLists)
	},
	add: slices.Concat(ownIndexes, keywordListTriggers()),
}

// keptIndexes stay as they are. The two columns are those of our search attributes, see aliases.
var keptIndexes = []string{"default_idx", "by_workflow_id", "by_keyword_01", "by_keyword_02"}

// ownIndexes replace Temporal's of the same names. Every query says TemporalNamespaceDivision IS NULL, which with
// Temporal's indexes means to parse each row's JSON; with it in the index, counts need no row at all. The partial
// ones cost our workflows nothing: they have neither parent nor division.
var ownIndexes = []string{
	"CREATE INDEX by_status ON executions_visibility (namespace_id, status, TemporalNamespaceDivision, " + newestFirst + ")",
	"CREATE INDEX by_workflow_type ON executions_visibility (namespace_id, workflow_type_name, TemporalNamespaceDivision, " + newestFirst + ")",
	"CREATE INDEX by_parent_workflow_id ON executions_visibility (namespace_id, parent_workflow_id, " + newestFirst + ") WHERE parent_workflow_id IS NOT NULL",
	"CREATE INDEX by_temporal_namespace_division ON executions_visibility (namespace_id, TemporalNamespaceDivision, " + newestFirst + ") WHERE TemporalNamespaceDivision IS NOT NULL",
}

// keywordListTriggers keep the full-text table of keyword lists, which the UI searches for workflows with problems,
// but only for the few rows that have a list. BuildIds and BinaryChecksums alone do not count: the server sets
// them on every workflow and nothing here asks for them.
func keywordListTriggers() []string {
	columns := []string{
		"TemporalChangeVersion", "BinaryChecksums", "BuildIds", "TemporalPauseInfo", "TemporalReportedProblems",
		"TemporalUsedWorkerDeploymentVersions", "KeywordList01", "KeywordList02", "KeywordList03",
		"TemporalKeywordList01", "TemporalKeywordList02",
	}
	of := func(row string) string { return row + "." + strings.Join(columns, ", "+row+".") }
	when := func(row string) string {
		var some []string
		for _, column := range columns {
			if column != "BuildIds" && column != "BinaryChecksums" {
				some = append(some, row+"."+column+" IS NOT NULL")
			}
		}
		return strings.Join(some, " OR ")
	}
	add := fmt.Sprintf("INSERT INTO %s (rowid, %s) VALUES (NEW.rowid, %s);", keywordLists, strings.Join(columns, ", "), of("NEW"))
	drop := fmt.Sprintf("INSERT INTO %[1]s (%[1]s, rowid, %[2]s) VALUES ('delete', OLD.rowid, %[3]s);", keywordLists, strings.Join(columns, ", "), of("OLD"))
	trigger := func(name, event, row, do string) string {
		return fmt.Sprintf("CREATE TRIGGER %s_%s %s ON %s WHEN %s BEGIN %s END", visibilityTable, name, event, visibilityTable, when(row), do)
	}
	return []string{
		trigger("ai", "AFTER INSERT", "NEW", add),
		trigger("ad", "AFTER DELETE", "OLD", drop),
		trigger("bu", "BEFORE UPDATE", "OLD", drop), // before, so that it precedes the next for sure
		trigger("au", "AFTER UPDATE", "NEW", add),
	}
}
