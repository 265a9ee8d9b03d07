// Package pebblestore is Temporal's persistence on Pebble, an embedded key-value store (CockroachDB's).
//
// # What Temporal asks for
//
// Temporal keeps all that it knows in a few stores. The busiest is that of executions: for each run of a workflow its
// mutable state (where it stands), its history (what happened, as nodes of events) and tasks (what remains to be done).
// A step of a workflow changes all three in one transaction, under conditions: that the caller still owns the shard
// that the workflow belongs to (its range ID), that nobody wrote the run in between (its record version), and that the
// run is, or is not, the workflow's current one. Matching keeps tasks for workers in task queues, with owners and
// range IDs likewise. The others are small: namespaces, clusters, queues of messages, Nexus endpoints.
//
// On SQLite such a step is a dozen statements and several fsyncs. Here it is a few look-ups, mostly in memory, and one
// append to a log.
//
// # How it is kept
//
// A Pebble database is an ordered map of bytes. Each kind of record is a range of keys that begin with one byte (see
// layout.go); the rest of a key is what identifies the record, written such that keys sort as Temporal reads them
// (package keys). Each store's file says at its top what its keys and values are. Values are what Temporal hands over,
// as it comes, after a few fixed fields for conditions (value.go).
//
// A transaction is one Pebble batch: it is in the log wholly or not at all. Conditions are checked and the batch is made
// visible under the lock of the shard, the task queue or the rest (locks.go, batch.go). One process has the database,
// so a mutex is a lock; Pebble's lock on the directory sees to it.
//
// # When it is durable
//
// The lock is released before the batch is on disk; the caller waits for that without it (commit.go). So one fsync
// serves all who wait, however many share a shard. Others may act on what they see in between. That is safe, because
// whatever they write comes later in the same log and cannot survive without it, and what they do in the world they
// would have done, too, had the process died just after the fsync: Temporal does everything at least once. A caller
// is told of success only when its batch is on disk.
//
// An error of the log, of a flush or of Pebble's books leaves open what is on disk. Then the database stops for
// good: nobody is told of success any more, every call returns ErrStopped, and Options.Fatal may end the process (failure.go).
// The next Open reads what is there.
//
// # What may be damaged
//
// Tables have checksums on every block, and each value's form is checked; reading what is damaged returns ErrCorrupt, or
// to Temporal an error that it tries again after. Nothing is skipped. The log and the list of tables are another matter:
// a crash may leave their ends half-written, and Pebble drops what it cannot read there. So that damage is not
// taken for a crash, batches carry witnesses of what was on disk before them (witness.go) that Open looks for
// (record_file.go), and a database that was closed has a seal (seal.go). What remains unnoticed is damage to the very
// last batch, or the last record of the list of tables, of a database that crashed.
//
// # What is given back
//
// Deletes of many keys are one entry for the range (batch.go); compactions drop what it covers. Deleting a few keys one
// by one spares readers from going through too many ranges.
//
// # What it does not do
//
// There is one process and one disk: no replication, no other reader. A backup is a Checkpoint. Migration to other
// formats is in format.go. Visibility (lists of workflows) is another package on the same database.
package pebblestore
