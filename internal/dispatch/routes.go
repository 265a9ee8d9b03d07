package dispatch

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/postrider/postrider/signing"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// routes remembers tenants' endpoints. That a tenant's list is current is checked when an event is
// accepted (by its version, in the transaction); a single endpoint is read again when it changed.
type routes struct {
	store store.Endpoints

	mu        sync.RWMutex
	tenants   map[string]*tenantRoutes
	endpoints map[int64]*route
}

type tenantRoutes struct {
	version   int64
	endpoints []*route
}

// route is one endpoint, ready to send to.
type route struct {
	webhook.Endpoint
	keys    []signing.Key
	expires time.Time // when the first of its secrets expires; zero: never
}

func newRoutes(s store.Endpoints) *routes {
	return &routes{store: s, tenants: map[string]*tenantRoutes{}, endpoints: map[int64]*route{}}
}

// subscribed are the endpoints to which an event of the type goes, or the one that is named, and the
// tenant's version.
func (r *routes) subscribed(ctx context.Context, tenant, eventType, only string) (int64, []*route, error) {
	r.mu.RLock()
	t := r.tenants[tenant]
	r.mu.RUnlock()
	if t == nil {
		var err error
		if t, err = r.load(ctx, tenant); err != nil {
			return 0, nil, err
		}
	}
	var found []*route
	for _, e := range t.endpoints {
		if only == "" && webhook.MatchEventType(e.EventTypes, eventType) || only != "" && e.ID == only {
			found = append(found, e)
		}
	}
	return t.version, found, nil
}

func (r *routes) load(ctx context.Context, tenant string) (*tenantRoutes, error) {
	version, endpoints, err := r.store.TenantEndpoints(ctx, tenant)
	if err != nil {
		return nil, fmt.Errorf("read the endpoints of tenant %s: %w", tenant, err)
	}
	t := &tenantRoutes{version: version}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range endpoints {
		t.endpoints = append(t.endpoints, r.put(e))
	}
	r.tenants[tenant] = t
	return t, nil
}

// put needs r.mu.
func (r *routes) put(e webhook.Endpoint) *route {
	entry := &route{Endpoint: e}
	now := time.Now()
	for _, s := range e.Secrets {
		if !s.ExpiresAt.IsZero() {
			if !s.ExpiresAt.After(now) {
				continue
			}
			if entry.expires.IsZero() || s.ExpiresAt.Before(entry.expires) {
				entry.expires = s.ExpiresAt
			}
		}
		if key, err := signing.ParseSecret(string(s.Value)); err == nil {
			entry.keys = append(entry.keys, key)
		}
	}
	r.endpoints[e.Key] = entry
	return entry
}

// forget makes the next use of a tenant's endpoints read them again.
func (r *routes) forget(tenant string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.tenants, tenant)
}

// changed takes in an endpoint as it is now.
func (r *routes) changed(e webhook.Endpoint) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.tenants, e.Tenant)
	r.put(e)
}

// byKey is one endpoint, deleted ones too.
func (r *routes) byKey(ctx context.Context, key int64, now time.Time) (*route, error) {
	r.mu.RLock()
	e := r.endpoints[key]
	r.mu.RUnlock()
	if e != nil && (e.expires.IsZero() || now.Before(e.expires)) {
		return e, nil
	}
	endpoint, err := r.store.EndpointByKey(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("read endpoint: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.put(endpoint), nil
}
