package dispatch_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/dispatch"
	"github.com/postrider/postrider/webhook"
)

func TestWorkflowsThatWaitThoughTheirEventIsOverAreWokenAfterARestart(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	endpoint := h.endpoint(receive(t, status(http.StatusOK)))
	events := h.postBatch(5)
	unanswered := h.endpoint(receive(t, status(http.StatusTeapot)), func(e *webhook.Endpoint) { e.Tenant = "other" })
	retrying := h.postAs("other", "evt_other")
	h.becomes(retrying, unanswered, webhook.DeliveryRetrying)
	h.allStarted(append(events, retrying)) // the engine's runs stay open: nobody plays them
	for _, event := range events {
		h.becomes(event, endpoint, webhook.DeliveryDelivered)
	}
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}

	h = h.another("node 1", dispatch.Config{
		FirstAttempt: dispatch.AheadOfEngine, SweepEvery: 10 * time.Millisecond, StrayGrace: time.Nanosecond,
	})
	for _, event := range events {
		h.await("its workflow is woken", func() bool { return len(h.outcomes(event)) > 0 })
	}
	if got := h.outcomes(retrying); len(got) > 0 {
		t.Errorf("the workflow of an open event was told of %v", got)
	}
}
