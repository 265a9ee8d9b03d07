// Package pebblevisibility is Temporal's visibility store on the engine's Pebble database: what lists and counts of
// workflows are answered from.
//
// # Layout
//
// Keys begin with a byte of 0x40 to 0x4f. With the parts encoded by package keys:
//
//	0x40 namespace run                   record: all there is to know of the run
//	0x41 namespace order                 entry: every run, in the order of lists
//	0x42 namespace field value order     entry: the runs in which the field has the value, in the order of lists
//	0x43 namespace division type status  count of runs
//
// The order of lists is Temporal's: open ones first, then by close time, start time (late ones first) and run ID. An entry
// holds the status and the namespace division; with what its key says, most conditions are checked without the record.
//
// # Writes
//
// One batch replaces a record, its entries and the counts that it is part of, so that a crash leaves all or none of it. It
// does not wait for the disk: the history task that it was written for is deleted later in the same log, and so comes
// again if the write was lost. A record is replaced only by one with a higher version (the ID of the visibility
// task), so that a late or repeated task changes nothing; a deletion always wins.
//
// # Queries
//
// Temporal's parser makes a filter of a query (package store/query). It is checked, in SQL's logic with its NULL, for the
// runs that the query's equalities leave over: those found in all (AND) or one (OR, IN) of the ranges of
// entries that the equalities name, read side by side in the order of lists. So lists need no sorting, and a page is
// read from where the last one ended, whatever changed in between. The runs with a prefix are sorted if they are not many. A
// range of close times is a part of each range of entries.
//
// Counts that depend on nothing but type, status and division are added up from the counts. Others read entries, at some
// millions a second, or all records, at some hundred thousand, when they ask for what entries do not tell. A query is
// answered from one snapshot.
//
// # What differs from Temporal's SQLite
//
//   - STARTS_WITH and keyword lists are exact about case, as equality is, and as in PostgreSQL and Elasticsearch.
//   - Quotes and backslashes in values find what is written so; with SQLite they find nothing.
//   - Custom datetimes compare as times, to the microsecond, and integers above 2^53 as what they are.
//   - A malformed page token, and a tuple where one value belongs, are invalid arguments rather than unavailability.
//   - GetWorkflowExecution of a run that is not there is not found.
//   - A custom attribute whose value is not of the attribute's type is left out of the record, with a warning; with SQLite
//     the visibility task fails, again and again.
package pebblevisibility
