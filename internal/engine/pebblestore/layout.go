package pebblestore

// The first byte of a key is the kind of record. Bytes are in the files of users: never change one, never use one again.
// 0x00 is the format record, 0x01 to 0x3f are persistence, 0x40 to 0x4f are visibility.
const (
	kindShard     = 0x01
	kindExecution = 0x02
	kindCurrent   = 0x03

	kindHistoryTask    = 0x04
	kindReplicationDLQ = 0x05

	kindHistoryBranch = 0x06
	kindHistoryNode   = 0x07

	kindTaskQueue     = 0x08
	kindFairTaskQueue = 0x09
	kindTask          = 0x0a
	kindFairTask      = 0x0b
	kindUserData      = 0x0c
	kindBuildID       = 0x0d

	kindNamespace         = 0x10
	kindNamespaceName     = 0x11
	kindNamespaceMetadata = 0x12

	kindCluster       = 0x14
	kindClusterMember = 0x15

	kindQueue          = 0x18
	kindQueueMessage   = 0x19
	kindQueueV2        = 0x1a
	kindQueueV2Message = 0x1b

	kindNexusTable    = 0x1c
	kindNexusEndpoint = 0x1d
)

// keyRoom is the capacity that keys start with; most fit.
const keyRoom = 96

func newKey(kind byte) []byte { return append(make([]byte, 0, keyRoom), kind) }
