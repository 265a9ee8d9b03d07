package workflows

import (
	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/webhook"
)

// Names of the workflows, their signals and their query. They are in stored histories and in other
// people's scripts: never rename.
const (
	DeliverEventName = "DeliverEvent"
	DeliverChunkName = "DeliverChunk" // a part of an event that has very many endpoints

	SignalCancel  = "cancel"  // a WishSignal
	SignalRetry   = "retry"   // a WishSignal
	SignalOutcome = "outcome" // an OutcomeSignal

	QueryStatus = "status" // answers with a DeliverEventResult
)

// Search attributes of every workflow, keywords both. They are in stored visibility records: never rename.
const (
	AttributeTenant    = "PostriderTenant"
	AttributeEventType = "PostriderEventType"
)

// DeliverEventInput starts a workflow. It holds no data of the event.
type DeliverEventInput struct {
	V          int              `json:"v"`
	UID        int64            `json:"uid"`
	Tenant     string           `json:"tenant"`
	EventID    string           `json:"event_id"`
	EventType  string           `json:"event_type"`
	Generation int              `json:"generation"`
	Policies   []webhook.Policy `json:"policies"` // each once
	Endpoints  []EndpointInput  `json:"endpoints"`
}

// EndpointInput is one endpoint of an event.
type EndpointInput struct {
	ID     string `json:"id"`
	Key    int64  `json:"key"`
	Policy int    `json:"policy"` // index into Policies
	// Outcome is how the delivery stood when the workflow was started, if it was over or had failed. The workflow asks how
	// the others stand, and all those of an event in chunks, whose input would become too large.
	Outcome *activities.EndpointOutcome `json:"outcome,omitempty"`
}

// WishSignal is the payload of SignalCancel and SignalRetry. EndpointID "" is all endpoints.
type WishSignal struct {
	EndpointID string `json:"endpoint_id,omitempty"`
	// Recorded says that the wish is in the rows already, as it is when the API sends it.
	Recorded bool `json:"recorded,omitempty"`
}

// OutcomeSignal tells that deliveries which waited have been sent or settled: those of EndpointIDs, or if there are none
// that of EndpointID, "" being any.
type OutcomeSignal struct {
	EndpointID  string   `json:"endpoint_id,omitempty"`
	EndpointIDs []string `json:"endpoint_ids,omitempty"`
}

// endpoints are the IDs that it tells of; "" is any.
func (s OutcomeSignal) endpoints() []string {
	if len(s.EndpointIDs) > 0 {
		return s.EndpointIDs
	}
	return []string{s.EndpointID}
}
