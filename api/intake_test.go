package api_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/store/sqlite"
	"github.com/postrider/postrider/webhook"
)

// intake stores events with a delivery to each subscribed endpoint, and delivers nothing.
type intake struct {
	*sqlite.DB
	node   int64
	now    func() time.Time
	mu     sync.Mutex
	status webhook.IntakeStatus
	refuse error // what Accept answers

	posted  []webhook.Event
	changed []webhook.Endpoint
}

func (i *intake) Accept(ctx context.Context, events []webhook.Event) ([]store.Accepted, error) {
	return i.accept(ctx, events, "")
}

func (i *intake) Test(ctx context.Context, e webhook.Endpoint) (store.Accepted, error) {
	event := webhook.Event{Tenant: e.Tenant, ID: webhook.NewID(webhook.EventIDPrefix), Type: webhook.TestEventType, Data: []byte(`{}`)}
	results, err := i.accept(ctx, []webhook.Event{event}, e.ID)
	if err != nil {
		return store.Accepted{}, err
	}
	results[0].Event.Tenant, results[0].Event.ID, results[0].Event.Type = event.Tenant, event.ID, event.Type
	return results[0], nil
}

func (i *intake) accept(ctx context.Context, events []webhook.Event, only string) ([]store.Accepted, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.refuse != nil {
		return nil, i.refuse
	}
	stored := make([]store.NewEvent, len(events))
	ids := make([][]string, len(events))
	for n, e := range events {
		version, endpoints, err := i.TenantEndpoints(ctx, e.Tenant)
		if err != nil {
			return nil, err
		}
		stored[n] = store.NewEvent{
			Tenant: e.Tenant, ID: e.ID, Type: e.Type, Data: e.Data, TraceParent: e.TraceParent, CreatedAt: i.now(),
			Fingerprint: webhook.FingerprintOf(e.Type, e.Data), EndpointsVersion: version, Owner: i.node,
		}
		for _, ep := range endpoints {
			if ep.ID == only || only == "" && webhook.MatchEventType(ep.EventTypes, e.Type) {
				stored[n].Deliveries = append(stored[n].Deliveries, store.NewDelivery{EndpointKey: ep.Key, Policy: ep.Policy, WaitingFor: webhook.WaitingForTurn})
				ids[n] = append(ids[n], ep.ID)
			}
		}
	}
	results, err := i.DB.Accept(ctx, stored)
	for n := range results {
		if results[n].Status == store.AcceptedNew {
			results[n].EndpointIDs = ids[n]
		}
	}
	i.posted = append(i.posted, events...)
	return results, err
}

func (i *intake) Wish(ctx context.Context, w store.WishRequest) (webhook.Event, []webhook.Delivery, error) {
	w.Owner = i.node
	return i.DB.Wish(ctx, w)
}

func (i *intake) EndpointChanged(_ context.Context, e webhook.Endpoint) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.changed = append(i.changed, e)
}

func (i *intake) Status() webhook.IntakeStatus { return i.status }

// last is the event that was posted last.
func (i *intake) last() webhook.Event {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.posted) == 0 {
		return webhook.Event{}
	}
	return i.posted[len(i.posted)-1]
}

// engine shows one workflow, or an error.
type engine struct {
	view webhook.WorkflowView
	err  error
}

func (e *engine) Workflow(context.Context, string) (webhook.WorkflowView, error) {
	return e.view, e.err
}

var errBroken = errors.New("disk on fire at /var/lib")
