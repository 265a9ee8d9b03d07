package webhook_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/webhook"
)

func deliveryStates() []webhook.DeliveryState {
	return []webhook.DeliveryState{
		webhook.DeliveryPending, webhook.DeliveryRetrying, webhook.DeliveryHeld,
		webhook.DeliveryDelivered, webhook.DeliveryExhausted, webhook.DeliveryCancelled, webhook.DeliveryExpired,
	}
}

func TestADeliveryStateIsOpenOrFinal(t *testing.T) {
	t.Parallel()
	for i, s := range deliveryStates() {
		if open := i < 3; s.Open() != open || s.Final() == open || !s.Valid() {
			t.Errorf("%s: open %t, final %t, valid %t", s, s.Open(), s.Final(), s.Valid())
		}
	}
	for _, s := range []webhook.DeliveryState{"", "Pending", "failed"} {
		if s.Valid() || s.Open() || s.Final() {
			t.Errorf("%q is taken for a state", s)
		}
	}
}

func TestAnEventStateIsOpenOrFinal(t *testing.T) {
	t.Parallel()
	for s, final := range map[webhook.EventState]bool{
		webhook.EventAccepted: false, webhook.EventDelivering: false, webhook.EventDelivered: true, webhook.EventPartial: true,
		webhook.EventExhausted: true, webhook.EventExpired: true, webhook.EventCancelled: true, webhook.EventUnrouted: true,
	} {
		if !s.Valid() || s.Final() != final {
			t.Errorf("%s: valid %t, final %t", s, s.Valid(), s.Final())
		}
	}
	if s := webhook.EventState("failed"); s.Valid() || s.Final() {
		t.Error("failed is taken for a state")
	}
}

func TestSumEventState(t *testing.T) {
	t.Parallel()
	const (
		pending, retrying, held = webhook.DeliveryPending, webhook.DeliveryRetrying, webhook.DeliveryHeld
		delivered, exhausted    = webhook.DeliveryDelivered, webhook.DeliveryExhausted
		cancelled, expired      = webhook.DeliveryCancelled, webhook.DeliveryExpired
	)
	type states = []webhook.DeliveryState
	tests := []struct {
		name       string
		deliveries states
		want       webhook.EventState
	}{
		{"nobody subscribed", nil, webhook.EventUnrouted},
		{"nothing was tried yet", states{pending, pending}, webhook.EventAccepted},
		{"one is to be tried again", states{pending, retrying}, webhook.EventDelivering},
		{"one is held", states{held}, webhook.EventDelivering},
		{"one is delivered, one was not tried yet", states{delivered, pending}, webhook.EventDelivering},
		{"one is exhausted, one is held", states{exhausted, held}, webhook.EventDelivering},
		{"all are delivered", states{delivered, delivered}, webhook.EventDelivered},
		{"some are delivered, some exhausted", states{delivered, exhausted}, webhook.EventPartial},
		{"some are delivered, some cancelled", states{cancelled, delivered}, webhook.EventPartial},
		{"some are delivered, some expired", states{expired, delivered, exhausted}, webhook.EventPartial},
		{"none is delivered, one exhausted", states{cancelled, expired, exhausted}, webhook.EventExhausted},
		{"none is delivered, one expired", states{cancelled, expired}, webhook.EventExpired},
		{"all are cancelled", states{cancelled, cancelled}, webhook.EventCancelled},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := webhook.SumEventState(tt.deliveries); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAnEventIsFinalWhenItsDeliveriesAreWhateverTheirOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		states := rapid.SliceOfN(rapid.SampledFrom(deliveryStates()), 0, 8).Draw(t, "states")
		final := true
		for _, s := range states {
			final = final && s.Final()
		}
		sum := webhook.SumEventState(states)
		if !sum.Valid() || sum.Final() != final {
			t.Fatalf("%v make %s", states, sum)
		}
		if again := webhook.SumEventState(rapid.Permutation(states).Draw(t, "permuted")); again != sum {
			t.Fatalf("%v make %s, in another order %s", states, sum, again)
		}
	})
}
