package api

import (
	"time"

	"github.com/postrider/postrider/store"
)

// pageView is one page of a list.
type pageView[T any] struct {
	Data       []T     `json:"data" nullable:"false"`
	NextCursor *string `json:"next_cursor" doc:"The cursor of the next page; null on the last one."`
	PrevCursor *string `json:"prev_cursor" doc:"The cursor of the page before; null on the first one."`
	HasMore    bool    `json:"has_more" doc:"Whether there is a next page." example:"false"`
}

// PageInput asks for one page.
type PageInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"250" default:"50" doc:"How many to list at most."`
	Cursor string `query:"cursor" maxLength:"1024" doc:"A next_cursor or prev_cursor of this list; filters must stay the same."`
}

func (p PageInput) query() store.PageQuery { return store.PageQuery{Limit: p.Limit, Cursor: p.Cursor} }

// listOutput answers with a page.
type listOutput[T any] struct{ Body pageView[T] }

// viewPage shows a page of the store.
func viewPage[T, V any](p store.Page[T], view func(T) V) *listOutput[V] {
	out := &listOutput[V]{Body: pageView[V]{
		Data: make([]V, len(p.Data)), NextCursor: optional(p.NextCursor), PrevCursor: optional(p.PrevCursor), HasMore: p.HasMore(),
	}}
	for i, row := range p.Data {
		out.Body.Data[i] = view(row)
	}
	return out
}

// CreatedInput filters by the time of creation.
type CreatedInput struct {
	CreatedGTE time.Time `query:"created_at[gte]" doc:"Created at or after this time (RFC 3339)."`
	CreatedGT  time.Time `query:"created_at[gt]" doc:"Created after this time."`
	CreatedLTE time.Time `query:"created_at[lte]" doc:"Created at or before this time."`
	CreatedLT  time.Time `query:"created_at[lt]" doc:"Created before this time."`
}

func (c CreatedInput) within() store.TimeRange {
	return timeRange(c.CreatedGTE, c.CreatedGT, c.CreatedLTE, c.CreatedLT)
}

// StartedInput filters by the time of the start.
type StartedInput struct {
	StartedGTE time.Time `query:"started_at[gte]" doc:"Started at or after this time (RFC 3339)."`
	StartedGT  time.Time `query:"started_at[gt]" doc:"Started after this time."`
	StartedLTE time.Time `query:"started_at[lte]" doc:"Started at or before this time."`
	StartedLT  time.Time `query:"started_at[lt]" doc:"Started before this time."`
}

func (c StartedInput) within() store.TimeRange {
	return timeRange(c.StartedGTE, c.StartedGT, c.StartedLTE, c.StartedLT)
}

// resolution is that of the times that are shown. What is shown as t may be up to one later, so
// "after t" begins one later and "up to t" ends there.
const resolution = time.Millisecond

// timeRange is From ≤ t < To of four bounds; zero ones do not bound.
func timeRange(gte, gt, lte, lt time.Time) store.TimeRange {
	if !gt.IsZero() {
		gt = gt.Truncate(resolution).Add(resolution)
	}
	if !lte.IsZero() {
		lte = lte.Truncate(resolution).Add(resolution)
	}
	r := store.TimeRange{From: gte, To: lt}
	if gt.After(r.From) {
		r.From = gt
	}
	if r.To.IsZero() || !lte.IsZero() && lte.Before(r.To) {
		r.To = lte
	}
	return r
}
