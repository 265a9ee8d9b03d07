package store

import (
	"time"

	"github.com/postrider/postrider/webhook"
)

// DefaultLimit and MaxLimit bound the length of a page.
const (
	DefaultLimit = 50
	MaxLimit     = 250
)

// PageQuery asks for one page. Cursor is one that a Page carried, or empty for the first page. A
// cursor that the store did not make is Invalid with field "cursor".
type PageQuery struct {
	Limit  int // 0: DefaultLimit; the caller checks it against MaxLimit
	Cursor string
}

// Page is one page of a list. Cursors are empty where there is nothing further.
type Page[T any] struct {
	Data       []T
	NextCursor string
	PrevCursor string
}

// HasMore reports whether there is a next page.
func (p Page[T]) HasMore() bool { return p.NextCursor != "" }

// TimeRange limits a list to From ≤ t < To; zero is open.
type TimeRange struct {
	From time.Time // t ≥ From
	To   time.Time // t < To
}

// EventQuery filters events; zero fields do not filter.
type EventQuery struct {
	PageQuery
	Tenant      string
	Type        string
	State       webhook.EventState
	EndpointKey int64
	CreatedAt   TimeRange
}

// DeliveryQuery filters deliveries; zero fields do not filter.
type DeliveryQuery struct {
	PageQuery
	Tenant      string
	EventUID    int64
	EndpointKey int64
	State       webhook.DeliveryState
	CreatedAt   TimeRange
}

// AttemptQuery filters attempts; zero fields do not filter.
type AttemptQuery struct {
	PageQuery
	Tenant      string
	EventUID    int64
	EndpointKey int64
	Outcome     webhook.Outcome
	StartedAt   TimeRange
	// WithBodies also reads headers and response bodies.
	WithBodies bool
}

// EndpointQuery filters endpoints; zero fields do not filter.
type EndpointQuery struct {
	PageQuery
	Tenant string
	State  webhook.EndpointState
}
