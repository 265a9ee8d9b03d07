package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/postrider/postrider/internal/client"
	"github.com/postrider/postrider/internal/terminal"
	"github.com/postrider/postrider/webhook"
)

// How the demo is paced.
const (
	demoPause   = 300 * time.Millisecond // between events
	demoLook    = 100 * time.Millisecond // between looks at how far it is
	demoLine    = 2 * time.Second        // between lines where nothing can be drawn over
	demoTimeout = 2 * time.Minute
)

// deliver sends the events and shows how far they are until nothing is open, or for demoTimeout.
func (d *demo) deliver(ctx context.Context) ([]client.Event, error) {
	events := demoEvents()
	d.out.Printf("Sending %d events, one every %s\n\n", len(events), demoPause)
	ctx, end := context.WithCancelCause(ctx)
	var sending sync.WaitGroup
	sending.Go(func() {
		if err := d.sendAll(ctx, events); err != nil {
			end(err)
		}
	})
	defer sending.Wait()
	defer end(nil)

	begun, lined := time.Now(), time.Time{}
	for {
		p, err := d.look(ctx, len(events), time.Since(begun))
		if err != nil {
			return nil, cmp.Or(context.Cause(ctx), err)
		}
		d.out.Redraw(d.bar(p))
		if p.over() || p.took > demoTimeout {
			d.out.Clear()
			d.out.Printf("%s\n\n", p)
			return p.seen, nil
		}
		if now := time.Now(); !d.out.Live() && now.Sub(lined) >= demoLine {
			lined = now
			d.out.Printf("%s\n", p)
		}
		select {
		case <-time.After(demoLook):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// sendAll posts the events one after the other. Each may be refused for a moment, never for good.
func (d *demo) sendAll(ctx context.Context, events []client.NewEvent) error {
	for _, e := range events {
		_, err := d.client.PostEvent(ctx, e)
		if errors.Is(err, webhook.RateLimited) || errors.Is(err, webhook.Unavailable) {
			_, err = d.client.PostEvent(ctx, e)
		}
		if err != nil {
			return fmt.Errorf("send %s: %w", e.ID, err)
		}
		select {
		case <-time.After(demoPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// progress is how far it is.
type progress struct {
	events int            // to be sent
	seen   []client.Event // sent so far, oldest first
	took   time.Duration
	count  map[webhook.DeliveryState]int
	all    int // deliveries of what is seen
	final  int
	next   time.Time // the earliest retry
}

// look asks the API.
func (d *demo) look(ctx context.Context, events int, took time.Duration) (progress, error) {
	p := progress{events: events, took: took, count: map[webhook.DeliveryState]int{}}
	answer, err := d.client.Events(ctx, url.Values{"include": {"deliveries"}, "limit": {"250"}})
	if err != nil {
		return p, fmt.Errorf("look how far it is: %w", err)
	}
	for _, e := range answer.Value.Data {
		p.seen = append([]client.Event{e}, p.seen...)
		for _, delivery := range e.Deliveries {
			p.all++
			p.count[delivery.State]++
			if delivery.State.Final() {
				p.final++
			}
			if next := delivery.NextAttemptAt; delivery.State == webhook.DeliveryRetrying && (p.next.IsZero() || next.Before(p.next)) {
				p.next = next
			}
		}
	}
	return p, nil
}

// over reports whether everything was sent and nothing is open.
func (p progress) over() bool { return len(p.seen) == p.events && p.final == p.all }

func (p progress) String() string {
	return fmt.Sprintf("%5.1fs  %2d/%d sent  %2d/%d delivered%s", p.took.Seconds(), len(p.seen), p.events, p.count[webhook.DeliveryDelivered], p.all, p.rest())
}

// rest is what is not delivered.
func (p progress) rest() string {
	var parts []string
	for _, s := range []webhook.DeliveryState{
		webhook.DeliveryPending, webhook.DeliveryRetrying, webhook.DeliveryHeld, webhook.DeliveryExhausted, webhook.DeliveryCancelled, webhook.DeliveryExpired,
	} {
		if n := p.count[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "  " + strings.Join(parts, ", ")
}

// bar is the line that is drawn over.
func (d *demo) bar(p progress) string {
	const width = 20
	share := func(n int) int { return width * n / max(1, p.all) }
	done, waiting := share(p.count[webhook.DeliveryDelivered]), share(p.count[webhook.DeliveryRetrying])
	bar := d.out.Paint(terminal.Green, strings.Repeat("█", done)) + d.out.Paint(terminal.Yellow, strings.Repeat("▒", waiting)) +
		d.out.Paint(terminal.Dim, strings.Repeat("░", width-done-waiting))
	line := p.String()
	room := max(0, d.out.Width()-width-2) // a longer line could not be drawn over
	if next := until(p.next); next != "" && len(line+", next "+next) <= room {
		line += ", next " + next
	}
	line = line[:min(len(line), room)]
	return bar + " " + line
}
