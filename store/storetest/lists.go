package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// walk reads a list to its end by pages of two, then back to its beginning, and checks that both
// ways show the same. It returns the whole list.
func walk[T any](t *testing.T, list func(store.PageQuery) (store.Page[T], error)) []T {
	t.Helper()
	var pages [][]T
	q := store.PageQuery{Limit: 2}
	var last store.Page[T]
	for {
		page, err := list(q)
		if err != nil {
			t.Fatal(err)
		}
		last = page
		if len(page.Data) == 0 {
			break
		}
		if pages = append(pages, page.Data); len(pages) > 100 {
			t.Fatal("the list has no end")
		}
		if q.Cursor = page.NextCursor; !page.HasMore() {
			break
		}
	}
	for i := len(pages) - 2; i >= 0; i-- {
		q.Cursor = last.PrevCursor
		page, err := list(q)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, fmt.Sprintf("page %d on the way back", i), page.Data, pages[i])
		if page.NextCursor == "" {
			t.Fatalf("page %d has no next on the way back", i)
		}
		last = page
	}
	if last.PrevCursor != "" {
		t.Fatal("the first page has something before it")
	}
	return slices.Concat(pages...)
}

func keysOf[T, K any](list []T, key func(T) K) []K {
	keys := []K{}
	for _, v := range list {
		keys = append(keys, key(v))
	}
	return keys
}

func listTests() []subtest {
	return append([]subtest{
		{"events are listed newest first, by every filter, in both directions", listEvents},
		{"deliveries are listed by every filter, in both directions", listDeliveries},
		{"attempts are listed newest first, by every filter, in both directions", listAttempts},
		{"a page has fifty rows unless told otherwise", func(t *testing.T, f *fixture) {
			n := f.newEvent(webhook.DefaultTenant)
			events := make([]store.NewEvent, store.DefaultLimit+1)
			for i := range events {
				events[i] = n
				events[i].ID = f.id(webhook.EventIDPrefix)
			}
			f.accept(events...)
			page, err := f.ListEvents(t.Context(), store.EventQuery{})
			f.ok(err)
			equal(t, "rows", len(page.Data), store.DefaultLimit)
			equal(t, "more", page.HasMore(), true)
		}},
		{"an empty list has no cursors", func(t *testing.T, f *fixture) {
			page, err := f.ListEvents(t.Context(), store.EventQuery{})
			f.ok(err)
			equal(t, "page", page, store.Page[webhook.Event]{})
		}},
	}, badCursorTests()...)
}

func listEvents(t *testing.T, f *fixture) {
	p, q := f.endpoint("a"), f.endpoint("b")
	var a, b []webhook.Event // newest last
	for i := range 5 {
		n := f.newEvent("a", p)
		n.CreatedAt = start.Add(time.Duration(i/2) * time.Second) // some at the same time
		if i == 3 {
			n.Type = "order.paid"
		}
		a = append(a, f.accept(n)...)
	}
	for i := range 3 {
		n := f.newEvent("b", q)
		n.CreatedAt = start.Add(time.Duration(i) * time.Minute)
		b = append(b, f.accept(n)...)
	}
	f.try(a[1], p, 500, start.Add(time.Hour))
	f.try(a[2], p, 200, start.Add(time.Hour))
	f.try(a[4], p, 500, start.Add(time.Hour))
	everything := []webhook.Event{b[2], b[1], a[4], a[3], a[2], b[0], a[1], a[0]}
	slices.SortStableFunc(everything, func(x, y webhook.Event) int {
		if c := y.CreatedAt.Compare(x.CreatedAt); c != 0 {
			return c
		}
		return int(y.UID - x.UID)
	})
	for name, row := range map[string]struct {
		q    store.EventQuery
		want []webhook.Event
	}{
		"no filter":            {store.EventQuery{}, everything},
		"tenant":               {store.EventQuery{Tenant: "a"}, []webhook.Event{a[4], a[3], a[2], a[1], a[0]}},
		"type":                 {store.EventQuery{Type: "order.paid"}, []webhook.Event{a[3]}},
		"endpoint":             {store.EventQuery{EndpointKey: q.Key}, []webhook.Event{b[2], b[1], b[0]}},
		"tenant and endpoint":  {store.EventQuery{Tenant: "a", EndpointKey: q.Key}, nil},
		"state":                {store.EventQuery{State: webhook.EventDelivering}, []webhook.Event{a[4], a[1]}},
		"tenant and state":     {store.EventQuery{Tenant: "a", State: webhook.EventDelivered}, []webhook.Event{a[2]}},
		"other tenant's state": {store.EventQuery{Tenant: "b", State: webhook.EventDelivering}, nil},
		"time": {
			store.EventQuery{Tenant: "a", CreatedAt: store.TimeRange{From: a[2].CreatedAt, To: a[4].CreatedAt}},
			[]webhook.Event{a[3], a[2]},
		},
		"time and endpoint": {store.EventQuery{EndpointKey: p.Key, CreatedAt: store.TimeRange{From: a[4].CreatedAt}}, []webhook.Event{a[4]}},
		"unknown tenant":    {store.EventQuery{Tenant: "c"}, nil},
	} {
		got := walk(t, func(page store.PageQuery) (store.Page[webhook.Event], error) {
			row.q.PageQuery = page
			return f.ListEvents(t.Context(), row.q)
		})
		equal(t, name, uidsOf(got...), uidsOf(row.want...))
	}
	page, err := f.ListEvents(t.Context(), store.EventQuery{EndpointKey: q.Key})
	f.ok(err)
	equal(t, "event", page.Data[0], f.event(b[2]))
}

func listDeliveries(t *testing.T, f *fixture) {
	p, q, r := f.endpoint("a"), f.endpoint("a"), f.endpoint("b")
	var a []webhook.Event
	for i := range 4 {
		n := f.newEvent("a", p, q)
		n.CreatedAt = start.Add(time.Duration(i) * time.Second)
		a = append(a, f.accept(n)...)
	}
	b := f.accept(f.newEvent("b", r))[0]
	f.try(a[0], p, 500, start.Add(time.Hour))
	f.try(a[1], q, 500, start.Add(time.Hour))
	f.try(a[2], p, 200, start.Add(time.Hour))
	type id struct{ UID, Key int64 }
	of := func(e webhook.Event, p webhook.Endpoint) id { return id{e.UID, p.Key} }
	for name, row := range map[string]struct {
		q      store.DeliveryQuery
		sorted bool // else the order within an event is free
		want   []id
	}{
		"event":                  {store.DeliveryQuery{EventUID: a[1].UID}, true, []id{of(a[1], p), of(a[1], q)}},
		"event and endpoint":     {store.DeliveryQuery{EventUID: a[1].UID, EndpointKey: q.Key}, true, []id{of(a[1], q)}},
		"event and state":        {store.DeliveryQuery{EventUID: a[1].UID, State: webhook.DeliveryRetrying}, true, []id{of(a[1], q)}},
		"event of a tenant":      {store.DeliveryQuery{EventUID: a[1].UID, Tenant: "b"}, true, nil},
		"endpoint":               {store.DeliveryQuery{EndpointKey: p.Key}, true, []id{of(a[3], p), of(a[2], p), of(a[1], p), of(a[0], p)}},
		"endpoint and state":     {store.DeliveryQuery{EndpointKey: p.Key, State: webhook.DeliveryPending}, true, []id{of(a[3], p), of(a[1], p)}},
		"failing of an endpoint": {store.DeliveryQuery{EndpointKey: p.Key, State: webhook.DeliveryRetrying}, true, []id{of(a[0], p)}},
		"state":                  {store.DeliveryQuery{State: webhook.DeliveryRetrying}, true, []id{of(a[1], q), of(a[0], p)}},
		"delivered":              {store.DeliveryQuery{State: webhook.DeliveryDelivered}, true, []id{of(a[2], p)}},
		"tenant": {
			store.DeliveryQuery{Tenant: "a", CreatedAt: store.TimeRange{From: a[2].CreatedAt}},
			false,
			[]id{of(a[3], p), of(a[3], q), of(a[2], p), of(a[2], q)},
		},
		"other tenant": {store.DeliveryQuery{Tenant: "b"}, true, []id{of(b, r)}},
		"no filter": {
			store.DeliveryQuery{CreatedAt: store.TimeRange{To: a[1].CreatedAt}},
			false,
			[]id{of(a[0], p), of(a[0], q), of(b, r)},
		},
	} {
		got := keysOf(walk(t, func(page store.PageQuery) (store.Page[webhook.Delivery], error) {
			row.q.PageQuery = page
			return f.ListDeliveries(t.Context(), row.q)
		}), func(d webhook.Delivery) id { return id{d.EventUID, d.EndpointKey} })
		if want := append([]id{}, row.want...); row.sorted {
			equal(t, name, got, want)
		} else {
			byKey := func(x, y id) int { return int(1000*(x.UID-y.UID) + x.Key - y.Key) }
			slices.SortFunc(got, byKey)
			slices.SortFunc(want, byKey)
			equal(t, name, got, want)
		}
	}
}

func listAttempts(t *testing.T, f *fixture) {
	p, q := f.endpoint("a"), f.endpoint("b")
	e, o := f.accept(f.newEvent("a", p))[0], f.accept(f.newEvent("b", q))[0]
	var of [2][]string // attempt IDs, newest last
	for i := range 4 {
		for j, event := range []webhook.Event{e, o} {
			c := f.attempt(f.delivery(event, []webhook.Endpoint{p, q}[j]), []int{500, 0}[i%2], start.Add(time.Duration(2*i+j)*time.Second))
			f.apply(c)
			of[j] = append(of[j], c.Attempts[0].ID)
		}
	}
	a, b := of[0], of[1]
	second := start.Add(4*time.Second - time.Millisecond)
	for name, row := range map[string]struct {
		q    store.AttemptQuery
		want []string
	}{
		"event":                {store.AttemptQuery{EventUID: e.UID}, []string{a[3], a[2], a[1], a[0]}},
		"event and endpoint":   {store.AttemptQuery{EventUID: e.UID, EndpointKey: q.Key}, nil},
		"event of a tenant":    {store.AttemptQuery{EventUID: e.UID, Tenant: "b"}, nil},
		"endpoint":             {store.AttemptQuery{EndpointKey: q.Key}, []string{b[3], b[2], b[1], b[0]}},
		"endpoint and outcome": {store.AttemptQuery{EndpointKey: q.Key, Outcome: webhook.OutcomeUnreachable}, []string{b[3], b[1]}},
		"tenant":               {store.AttemptQuery{Tenant: "a"}, []string{a[3], a[2], a[1], a[0]}},
		"tenant and time":      {store.AttemptQuery{Tenant: "a", StartedAt: store.TimeRange{From: second}}, []string{a[3], a[2]}},
		"endpoint and time":    {store.AttemptQuery{EndpointKey: p.Key, StartedAt: store.TimeRange{To: second}}, []string{a[1], a[0]}},
		"no filter":            {store.AttemptQuery{}, []string{b[3], a[3], b[2], a[2], b[1], a[1], b[0], a[0]}},
		"outcome":              {store.AttemptQuery{Outcome: webhook.OutcomeRejected}, []string{b[2], a[2], b[0], a[0]}},
	} {
		got := walk(t, func(page store.PageQuery) (store.Page[webhook.Attempt], error) {
			row.q.PageQuery = page
			return f.ListAttempts(t.Context(), row.q)
		})
		equal(t, name, keysOf(got, func(a webhook.Attempt) string { return a.ID }), append([]string{}, row.want...))
	}
}

func badCursorTests() []subtest {
	lists := map[string]func(f *fixture, q store.PageQuery) error{
		"events": func(f *fixture, q store.PageQuery) error {
			_, err := f.ListEvents(f.t.Context(), store.EventQuery{PageQuery: q})
			return err
		},
		"deliveries": func(f *fixture, q store.PageQuery) error {
			_, err := f.ListDeliveries(f.t.Context(), store.DeliveryQuery{PageQuery: q})
			return err
		},
		"attempts": func(f *fixture, q store.PageQuery) error {
			_, err := f.ListAttempts(f.t.Context(), store.AttemptQuery{PageQuery: q})
			return err
		},
		"endpoints": func(f *fixture, q store.PageQuery) error {
			_, err := f.ListEndpoints(f.t.Context(), store.EndpointQuery{PageQuery: q})
			return err
		},
		"tenants": func(f *fixture, q store.PageQuery) error {
			_, err := f.ListTenants(f.t.Context(), q)
			return err
		},
		"event types": func(f *fixture, q store.PageQuery) error {
			_, err := f.ListEventTypes(f.t.Context(), "a", q)
			return err
		},
		"API keys": func(f *fixture, q store.PageQuery) error {
			_, err := f.ListAPIKeys(f.t.Context(), "", q)
			return err
		},
	}
	return []subtest{{"a cursor that is none, or another list's, is an invalid field", func(t *testing.T, f *fixture) {
		f.endpoint("a")
		f.endpoint("a")
		page, err := f.ListEndpoints(t.Context(), store.EndpointQuery{PageQuery: store.PageQuery{Limit: 1}})
		f.ok(err)
		for name, list := range lists {
			for _, c := range []string{"x", "!", "bnVsbA", page.NextCursor} {
				err := list(f, store.PageQuery{Cursor: c})
				if c == page.NextCursor && name == "endpoints" {
					f.ok(err)
					continue
				}
				f.kind(err, webhook.Invalid)
				if e, _ := webhook.AsError(err); len(e.Fields) != 1 || e.Fields[0].Field != "cursor" {
					t.Fatalf("list of %s with cursor %q: %v", name, c, err)
				}
			}
		}
	}}}
}
