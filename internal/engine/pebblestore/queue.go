package pebblestore

import (
	"bytes"
	"context"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/server/common/persistence"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// A queue, there is one of each type, holds messages for whoever keeps count of how far they have read. Next to it is a
// queue of the negative type, for messages that could not be handled; see queue_dlq.go.
//
//	key    kindQueue, type                          value  version, blob: the readers' positions
//	key    kindQueueMessage, type, message ID       value  blob
func queueKey(t persistence.QueueType) []byte { return keys.AppendInt32(newKey(kindQueue), int32(t)) }

func queueMessages(t persistence.QueueType) []byte {
	return keys.AppendInt32(newKey(kindQueueMessage), int32(t))
}

func queueMessageKey(t persistence.QueueType, id int64) []byte {
	return keys.AppendInt64(queueMessages(t), id)
}

type queueStore struct {
	store
	queueType persistence.QueueType
}

func (s *queueStore) dlqType() persistence.QueueType { return -s.queueType }

// Init makes the queue and the one next to it, if they are not there.
func (s *queueStore) Init(_ context.Context, blob *common.DataBlob) error {
	return s.update("Init", &s.db.locks.metadata, func(b *batch) error {
		for _, t := range []persistence.QueueType{s.queueType, s.dlqType()} {
			_, found, err := s.db.Get(queueKey(t))
			if err != nil {
				return err
			}
			if !found {
				b.set(queueKey(t), versionedBlob(0, blob))
			}
		}
		return nil
	})
}

func (s *queueStore) EnqueueMessage(_ context.Context, blob *common.DataBlob) error {
	_, err := s.enqueue("EnqueueMessage", s.queueType, blob)
	return err
}

func (s *queueStore) enqueue(operation string, t persistence.QueueType, blob *common.DataBlob) (id int64, err error) {
	err = s.update(operation, &s.db.locks.metadata, func(b *batch) error {
		last, err := s.db.lastMessage(queueMessages(t))
		id = last + 1
		b.set(queueMessageKey(t, id), blobValue(blob))
		return err
	})
	return id, err
}

// lastMessage is the ID of the last message in a queue, or persistence.EmptyQueueMessageID.
func (db *DB) lastMessage(prefix []byte) (id int64, err error) {
	id = persistence.EmptyQueueMessageID
	err = db.scanBack(prefix, keys.End(prefix), func(key, _ []byte) (bool, error) {
		id, err = messageID(key[len(prefix):])
		return false, err
	})
	return id, err
}

func messageID(position []byte) (int64, error) {
	id, rest, err := keys.CutInt64(position)
	if err != nil || len(rest) > 0 {
		return 0, corrupt("queue message")
	}
	return id, nil
}

func (s *queueStore) ReadMessages(
	_ context.Context, lastMessageID int64, maxCount int,
) ([]*persistence.QueueMessage, error) {
	messages, err := s.read(s.queueType, lastMessageID, persistence.MaxQueueMessageID, maxCount)
	return messages, failed("ReadMessages", err)
}

// read is at most n messages after the first ID, up to and with the last.
func (s *queueStore) read(t persistence.QueueType, after, last int64, n int) (messages []*persistence.QueueMessage, err error) {
	prefix := queueMessages(t)
	if n <= 0 {
		return nil, nil
	}
	lower, upper := keys.After(queueMessageKey(t, after)), keys.After(queueMessageKey(t, last))
	err = s.db.scan(lower, upper, func(key, value []byte) (bool, error) {
		id, err := messageID(key[len(prefix):])
		if err != nil {
			return false, err
		}
		blob, err := readBlob("queue message", bytes.Clone(value))
		messages = append(messages, &persistence.QueueMessage{
			QueueType: t, ID: id, Data: blob.GetData(), Encoding: blob.GetEncodingType().String(),
		})
		return len(messages) < n, err
	})
	if err != nil {
		return nil, err
	}
	return messages, nil
}

func (s *queueStore) DeleteMessagesBefore(_ context.Context, messageID int64) error {
	return s.update("DeleteMessagesBefore", &s.db.locks.metadata, func(b *batch) error {
		b.clear(queueMessageKey(s.queueType, persistence.EmptyQueueMessageID), queueMessageKey(s.queueType, messageID))
		return nil
	})
}

func (s *queueStore) UpdateAckLevel(_ context.Context, m *persistence.InternalQueueMetadata) error {
	return s.setMetadata("UpdateAckLevel", s.queueType, m)
}

func (s *queueStore) setMetadata(operation string, t persistence.QueueType, m *persistence.InternalQueueMetadata) error {
	return s.update(operation, &s.db.locks.metadata, func(b *batch) error {
		was, err := s.metadata(operation, t)
		if err != nil {
			return err
		}
		if was.Version != m.Version {
			return serviceerror.NewUnavailablef("%s operation encountered concurrent write.", operation)
		}
		b.set(queueKey(t), versionedBlob(m.Version+1, m.Blob))
		return nil
	})
}

func (s *queueStore) GetAckLevels(context.Context) (*persistence.InternalQueueMetadata, error) {
	m, err := s.metadata("GetAckLevels", s.queueType)
	return m, failed("GetAckLevels", err)
}

func (s *queueStore) metadata(operation string, t persistence.QueueType) (*persistence.InternalQueueMetadata, error) {
	value, found, err := s.db.Get(queueKey(t))
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, serviceerror.NewUnavailablef("%s: queue of type %v is not there", operation, t)
	}
	m := new(persistence.InternalQueueMetadata)
	m.Version, m.Blob, err = readVersionedBlob("queue", value)
	return m, err
}
