package api

import (
	"bytes"
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/postrider/postrider/webhook"
)

// maxBatchEvents is how many events a batch may have.
const maxBatchEvents = 1000

// batchView is the answer to a posted batch.
type batchView struct {
	Accepted int         `json:"accepted" doc:"How many events were accepted, duplicates included." example:"2"`
	Failed   int         `json:"failed" doc:"How many were not; of them nothing is stored." example:"0"`
	Data     []batchItem `json:"data" nullable:"false" doc:"What became of each event, in the order of the batch."`
}

// batchItem is what became of one event of a batch.
type batchItem struct {
	Index  int           `json:"index" doc:"The event's place in the batch; the first is 0." example:"0"`
	Status int           `json:"status" doc:"What POST /v1/events would have answered: 202, or the status of the problem." example:"202"`
	Event  *acceptedView `json:"event,omitempty"`
	Error  *problem      `json:"error,omitempty"`
}

// postBatch takes up to maxBatchEvents events in, in one commit.
func (s *server) postBatch(c *gin.Context) {
	ctx := c.Request.Context()
	texts, err := s.readBatch(c.Request)
	if err != nil {
		s.fail(c, err)
		return
	}
	view, err := s.acceptBatch(ctx, texts)
	if err != nil {
		s.fail(c, err)
		return
	}
	writeJSON(c.Writer, http.StatusAccepted, jsonMedia, view)
}

// readBatch is the text of each event: the elements of a JSON array, which are valid JSON, or the
// lines of NDJSON, which may not be.
func (s *server) readBatch(r *http.Request) ([][]byte, error) {
	text, mediaType, err := readBody(r, s.MaxBodyBytes*batchFactor, jsonMedia, ndjsonMedia)
	if err != nil {
		return nil, err
	}
	if err := webhook.InvalidFields(queryFaults(r)); err != nil {
		return nil, err
	}
	var texts [][]byte
	if mediaType == ndjsonMedia {
		for line := range bytes.Lines(text) {
			if line = bytes.TrimSpace(line); len(line) > 0 {
				texts = append(texts, line)
			}
		}
	} else {
		if err := checkJSON(text); err != nil {
			return nil, err
		}
		if !isArray(text) {
			return nil, invalidField("body", "must be a JSON array of events")
		}
		elements(text, func(value []byte) { texts = append(texts, value) })
	}
	if len(texts) > maxBatchEvents {
		return nil, &webhook.Error{Kind: webhook.Invalid, Code: "too_many_events", Detail: "a batch may have 1000 events at most"}
	}
	return texts, nil
}

// acceptBatch takes in the events that can be.
func (s *server) acceptBatch(ctx context.Context, texts [][]byte) (batchView, error) {
	view := batchView{Data: make([]batchItem, len(texts))}
	events, places := make([]webhook.Event, 0, len(texts)), make([]int, 0, len(texts))
	for i, text := range texts {
		event, err := s.readItem(ctx, text)
		if err != nil {
			view.fail(i, s.problemFor(ctx, err))
			continue
		}
		events, places = append(events, event), append(places, i)
	}
	if len(events) == 0 {
		return view, nil
	}
	results, err := s.Intake.Accept(ctx, events)
	if err != nil {
		return view, err
	}
	for n, i := range places {
		accepted, err := viewAccepted(events[n], results[n])
		if err != nil {
			view.fail(i, s.problemFor(ctx, err))
			continue
		}
		view.Accepted++
		view.Data[i] = batchItem{Index: i, Status: http.StatusAccepted, Event: &accepted}
	}
	return view, nil
}

// readItem is one event of a batch. It shares no memory with the text, or one event that waits
// would keep the whole batch.
func (s *server) readItem(ctx context.Context, text []byte) (webhook.Event, error) {
	if int64(len(text)) > s.MaxBodyBytes {
		return webhook.Event{}, tooLarge(s.MaxBodyBytes)
	}
	if err := checkJSON(text); err != nil {
		return webhook.Event{}, err
	}
	event, faults := parseEvent(text)
	if err := webhook.InvalidFields(faults); err != nil {
		return webhook.Event{}, err
	}
	event.Data = bytes.Clone(event.Data)
	return complete(ctx, event)
}

func (v *batchView) fail(index int, p *problem) {
	v.Failed++
	v.Data[index] = batchItem{Index: index, Status: p.Status, Error: p}
}
