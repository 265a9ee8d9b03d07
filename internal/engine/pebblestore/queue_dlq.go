package pebblestore

import (
	"context"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/server/common/persistence"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

func (s *queueStore) EnqueueMessageToDLQ(_ context.Context, blob *common.DataBlob) (int64, error) {
	id, err := s.enqueue("EnqueueMessageToDLQ", s.dlqType(), blob)
	if err != nil {
		return persistence.EmptyQueueMessageID, err
	}
	return id, nil
}

// ReadMessagesFromDLQ is a page of messages after the first ID, up to and with the last.
func (s *queueStore) ReadMessagesFromDLQ(
	_ context.Context, firstMessageID, lastMessageID int64, pageSize int, token []byte,
) ([]*persistence.QueueMessage, []byte, error) {
	if len(token) > 0 {
		id, err := messageID(token)
		if err != nil {
			return nil, nil, badToken()
		}
		firstMessageID = id
	}
	messages, err := s.read(s.dlqType(), firstMessageID, lastMessageID, pageSize)
	if err != nil {
		return nil, nil, failed("ReadMessagesFromDLQ", err)
	}
	if len(messages) == 0 || len(messages) < pageSize {
		return messages, nil, nil
	}
	return messages, keys.AppendInt64(nil, messages[len(messages)-1].ID), nil
}

func (s *queueStore) DeleteMessageFromDLQ(_ context.Context, messageID int64) error {
	return s.update("DeleteMessageFromDLQ", &s.db.locks.metadata, func(b *batch) error {
		b.remove(queueMessageKey(s.dlqType(), messageID))
		return nil
	})
}

// RangeDeleteMessagesFromDLQ deletes the messages after the first ID, up to and with the last.
func (s *queueStore) RangeDeleteMessagesFromDLQ(_ context.Context, firstMessageID, lastMessageID int64) error {
	return s.update("RangeDeleteMessagesFromDLQ", &s.db.locks.metadata, func(b *batch) error {
		b.clear(keys.After(queueMessageKey(s.dlqType(), firstMessageID)), keys.After(queueMessageKey(s.dlqType(), lastMessageID)))
		return nil
	})
}

func (s *queueStore) UpdateDLQAckLevel(_ context.Context, m *persistence.InternalQueueMetadata) error {
	return s.setMetadata("UpdateDLQAckLevel", s.dlqType(), m)
}

func (s *queueStore) GetDLQAckLevels(context.Context) (*persistence.InternalQueueMetadata, error) {
	m, err := s.metadata("GetDLQAckLevels", s.dlqType())
	return m, failed("GetDLQAckLevels", err)
}
