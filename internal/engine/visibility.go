package engine

import (
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

var (
	indexName = regexp.MustCompile(`^CREATE INDEX (\w+)`)

	// spareColumns are generated ones kept free for search attributes that people add, of other types than keyword.
	spareColumns = regexp.MustCompile(`(?m)^\s*(Bool|Datetime|Double|Int|Text|KeywordList)0\d .*\n`)
)

// visibilitySchema is Temporal's without what nothing here uses, but every write pays for: most of its 58 indexes, its
// full-text search, 18 of its columns. As it comes it takes 35 to 40 % of the embedded server's CPU; the driver compiles
// each statement anew, so triggers alone double a write's cost even when they have nothing to do. What is left serves
// lists and counts by state, type, ID, time, and by our search attributes; others work, but read all
// rows. Search attributes that people add must be keywords, and those that are lists (TemporalReportedProblems) find nothing.
func visibilitySchema() schema { return schema{adapt: adaptVisibility, add: ownIndexes()} }

func adaptVisibility(statement string) string {
	if name := indexName.FindStringSubmatch(statement); name != nil && isKept(name[1]) {
		return statement
	}
	if strings.HasPrefix(statement, "CREATE TABLE "+visibilityTable) {
		return spareColumns.ReplaceAllString(statement, "")
	}
	if strings.HasPrefix(statement, "CREATE VIRTUAL TABLE "+keywordLists) {
		return statement // empty for ever, but the UI's queries for workflows with problems name it
	}
	return ""
}

// isKept tells the indexes that stay as they are. The two columns are those of our search attributes, see aliases.
func isKept(index string) bool {
	return slices.Contains([]string{"default_idx", "by_workflow_id", "by_keyword_01", "by_keyword_02"}, index)
}

// ownIndexes replace Temporal's of the same names. Every query says TemporalNamespaceDivision IS NULL, which with
// Temporal's indexes means to parse each row's JSON; with it in the index, counts read the index alone (of 100,000
// workflows by state: 60 ms instead of 270). The partial
// ones cost our workflows nothing: they have neither parent nor division.
func ownIndexes() []string {
	return []string{
		"CREATE INDEX by_status ON executions_visibility (namespace_id, status, TemporalNamespaceDivision, " + newestFirst + ")",
		"CREATE INDEX by_workflow_type ON executions_visibility (namespace_id, workflow_type_name, TemporalNamespaceDivision, " + newestFirst + ")",
		"CREATE INDEX by_parent_workflow_id ON executions_visibility (namespace_id, parent_workflow_id, " + newestFirst + ") WHERE parent_workflow_id IS NOT NULL",
		"CREATE INDEX by_temporal_namespace_division ON executions_visibility (namespace_id, TemporalNamespaceDivision, " + newestFirst + ") WHERE TemporalNamespaceDivision IS NOT NULL",
	}
}
