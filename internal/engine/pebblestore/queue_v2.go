package pebblestore

import (
	"bytes"
	"context"
	"fmt"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	persistencespb "go.temporal.io/server/api/persistence/v1"
	"go.temporal.io/server/common/persistence"
	"go.temporal.io/server/common/persistence/serialization"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// Queues with names, of a type, hold history's tasks that could not be done.
//
//	key    kindQueueV2, type, name                       value  blob of a persistencespb.Queue
//	key    kindQueueV2Message, type, name, message ID    value  blob
//
// The last message of a queue is never deleted, so that IDs go on.
func queueV2Prefix(t persistence.QueueV2Type) []byte {
	return keys.AppendInt32(newKey(kindQueueV2), int32(t))
}

func queueV2Key(t persistence.QueueV2Type, name string) []byte {
	return keys.AppendString(queueV2Prefix(t), name)
}

func queueV2Messages(t persistence.QueueV2Type, name string) []byte {
	return keys.AppendString(keys.AppendInt32(newKey(kindQueueV2Message), int32(t)), name)
}

func queueV2MessageKey(t persistence.QueueV2Type, name string, id int64) []byte {
	return keys.AppendInt64(queueV2Messages(t, name), id)
}

type queueV2Store struct{ store }

func (s *queueV2Store) CreateQueue(
	_ context.Context, r *persistence.InternalCreateQueueRequest,
) (*persistence.InternalCreateQueueResponse, error) {
	exists := false
	key := queueV2Key(r.QueueType, r.QueueName)
	err := s.update("CreateQueue", &s.db.locks.metadata, func(b *batch) (err error) {
		if _, exists, err = s.db.Get(key); err != nil || exists {
			return err
		}
		return b.setQueueV2(key, &persistencespb.Queue{Partitions: map[int32]*persistencespb.QueuePartition{
			0: {MinMessageId: persistence.FirstQueueMessageID},
		}})
	})
	if err != nil {
		return nil, err
	}
	if exists {
		return nil, fmt.Errorf("%w: queue type %v and name %v", persistence.ErrQueueAlreadyExists, r.QueueType, r.QueueName)
	}
	return &persistence.InternalCreateQueueResponse{}, nil
}

func (b *batch) setQueueV2(key []byte, q *persistencespb.Queue) error {
	data, err := q.Marshal()
	if err != nil {
		return err
	}
	b.set(key, blobValue(&common.DataBlob{EncodingType: enums.ENCODING_TYPE_PROTO3, Data: data}))
	return nil
}

// queue is the queue's only partition, and the queue for setQueueV2 after the partition has been changed.
func (s *queueV2Store) queue(t persistence.QueueV2Type, name string) (*persistencespb.Queue, *persistencespb.QueuePartition, error) {
	value, found, err := s.db.Get(queueV2Key(t, name))
	if err != nil {
		return nil, nil, err
	}
	if !found {
		return nil, nil, persistence.NewQueueNotFoundError(t, name)
	}
	return readQueueV2(t, name, value)
}

func readQueueV2(t persistence.QueueV2Type, name string, value []byte) (*persistencespb.Queue, *persistencespb.QueuePartition, error) {
	f := fieldsOf("queue", value)
	blob := f.rawBlob()
	if err := f.done(); err != nil {
		return nil, nil, err
	}
	if e := blob.GetEncodingType(); e != enums.ENCODING_TYPE_PROTO3 {
		return nil, nil, fmt.Errorf("queue with type %v and name %v has invalid encoding: %w",
			t, name, serialization.NewUnknownEncodingTypeError(e.String(), enums.ENCODING_TYPE_PROTO3))
	}
	q := new(persistencespb.Queue)
	if err := q.Unmarshal(blob.GetData()); err != nil {
		return nil, nil, serialization.NewDeserializationError(enums.ENCODING_TYPE_PROTO3, err)
	}
	partition, err := persistence.GetPartitionForQueueV2(t, name, q)
	return q, partition, err
}

func (s *queueV2Store) EnqueueMessage(
	_ context.Context, r *persistence.InternalEnqueueMessageRequest,
) (*persistence.InternalEnqueueMessageResponse, error) {
	response := new(persistence.InternalEnqueueMessageResponse)
	err := s.update("EnqueueMessage", &s.db.locks.metadata, func(b *batch) error {
		if _, _, err := s.queue(r.QueueType, r.QueueName); err != nil {
			return err
		}
		last, err := s.db.lastMessage(queueV2Messages(r.QueueType, r.QueueName))
		if err != nil {
			return err
		}
		response.Metadata.ID = last + 1
		b.set(queueV2MessageKey(r.QueueType, r.QueueName, last+1), blobValue(r.Blob))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return response, nil
}

func (s *queueV2Store) ReadMessages(
	_ context.Context, r *persistence.InternalReadMessagesRequest,
) (*persistence.InternalReadMessagesResponse, error) {
	if r.PageSize <= 0 {
		return nil, persistence.ErrNonPositiveReadQueueMessagesPageSize
	}
	q, _, err := s.queue(r.QueueType, r.QueueName)
	if err != nil {
		return nil, failedUnlessEncoding("ReadMessages", err)
	}
	first, err := persistence.GetMinMessageIDToReadForQueueV2(r.QueueType, r.QueueName, r.NextPageToken, q)
	if err != nil {
		return nil, err
	}
	response := new(persistence.InternalReadMessagesResponse)
	prefix := queueV2Messages(r.QueueType, r.QueueName)
	err = s.db.scan(queueV2MessageKey(r.QueueType, r.QueueName, first), keys.End(prefix), func(key, value []byte) (bool, error) {
		message, err := readMessage(key[len(prefix):], bytes.Clone(value))
		response.Messages = append(response.Messages, message)
		return len(response.Messages) < r.PageSize, err
	})
	if err != nil {
		return nil, failedUnlessEncoding("ReadMessages", err)
	}
	response.NextPageToken = persistence.GetNextPageTokenForReadMessages(response.Messages)
	return response, nil
}

// readMessage refuses encodings that this Temporal does not know: the message is a later one's.
func readMessage(position, value []byte) (m persistence.QueueV2Message, err error) {
	if m.MetaData.ID, err = messageID(position); err != nil {
		return m, err
	}
	f := fieldsOf("queue message", value)
	m.Data = f.rawBlob()
	if err := f.done(); err != nil {
		return m, err
	}
	if e := m.Data.GetEncodingType(); !known(e) {
		return m, serialization.NewUnknownEncodingTypeError(e.String())
	}
	return m, nil
}

// RangeDeleteMessages deletes the messages up to and with the one named, but for the queue's last one, which is only not
// read any more.
func (s *queueV2Store) RangeDeleteMessages(
	_ context.Context, r *persistence.InternalRangeDeleteMessagesRequest,
) (*persistence.InternalRangeDeleteMessagesResponse, error) {
	until := r.InclusiveMaxMessageMetadata.ID
	if until < persistence.FirstQueueMessageID {
		return nil, fmt.Errorf("%w: id is %d but must be >= %d",
			persistence.ErrInvalidQueueRangeDeleteMaxMessageID, until, persistence.FirstQueueMessageID)
	}
	response := new(persistence.InternalRangeDeleteMessagesResponse)
	err := s.update("RangeDeleteMessages", &s.db.locks.metadata, func(b *batch) error {
		q, partition, err := s.queue(r.QueueType, r.QueueName)
		if err != nil {
			return err
		}
		last, err := s.db.lastMessage(queueV2Messages(r.QueueType, r.QueueName))
		if err != nil || last == persistence.EmptyQueueMessageID {
			return err
		}
		deleted, ok := persistence.GetDeleteRange(persistence.DeleteRequest{
			LastIDToDeleteInclusive: until,
			ExistingMessageRange:    persistence.InclusiveMessageRange{MinMessageID: partition.MinMessageId, MaxMessageID: last},
		})
		if !ok {
			return nil
		}
		b.clear(queueV2MessageKey(r.QueueType, r.QueueName, deleted.MinMessageID),
			queueV2MessageKey(r.QueueType, r.QueueName, deleted.MaxMessageID+1))
		partition.MinMessageId = deleted.NewMinMessageID
		response.MessagesDeleted = deleted.MessagesToDelete
		return b.setQueueV2(queueV2Key(r.QueueType, r.QueueName), q)
	})
	if err != nil {
		return nil, err
	}
	return response, nil
}

func (s *queueV2Store) ListQueues(
	_ context.Context, r *persistence.InternalListQueuesRequest,
) (*persistence.InternalListQueuesResponse, error) {
	if r.PageSize <= 0 {
		return nil, persistence.ErrNonPositiveListQueuesPageSize
	}
	offset, err := persistence.GetOffsetForListQueues(r.NextPageToken)
	if err != nil {
		return nil, err
	}
	if offset < 0 {
		return nil, persistence.ErrNegativeListQueuesOffset
	}
	response := new(persistence.InternalListQueuesResponse)
	prefix, skip := queueV2Prefix(r.QueueType), offset
	err = s.db.scan(prefix, keys.End(prefix), func(key, value []byte) (bool, error) {
		if skip > 0 {
			skip--
			return true, nil
		}
		name, err := lastName("queue", key[len(prefix):])
		if err != nil {
			return false, err
		}
		info, err := s.info(r.QueueType, name, bytes.Clone(value))
		response.Queues = append(response.Queues, info)
		return len(response.Queues) < r.PageSize, err
	})
	if err != nil {
		return nil, failedUnlessEncoding("ListQueues", err)
	}
	if n := int64(len(response.Queues)); n > 0 {
		response.NextPageToken = persistence.GetNextPageTokenForListQueues(offset + n)
	}
	return response, nil
}

func (s *queueV2Store) info(t persistence.QueueV2Type, name string, value []byte) (info persistence.QueueInfo, err error) {
	info.QueueName = name
	info.LastMessageID, err = s.db.lastMessage(queueV2Messages(t, name))
	if err != nil || info.LastMessageID == persistence.EmptyQueueMessageID {
		return info, err
	}
	_, partition, err := readQueueV2(t, name, value)
	info.MessageCount = info.LastMessageID - partition.GetMinMessageId() + 1
	return info, err
}

// failedUnlessEncoding is failed, but lets errors pass that say that a blob cannot be understood: trying again is in vain.
func failedUnlessEncoding(operation string, err error) error {
	for _, find := range []func(error) error{
		find[*serialization.UnknownEncodingTypeError], find[*serialization.DeserializationError],
	} {
		if find(err) != nil {
			return err
		}
	}
	return failed(operation, err)
}
