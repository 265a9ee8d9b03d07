package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/webhook"
)

// lookAtRows reads the rows of all deliveries that are to be looked at. Those of many that have
// news at the same moment are read together.
func (r *run) lookAtRows(ctx workflow.Context) {
	if r.looking {
		// What is being read now was asked for before: wait for one's own turn.
		_ = workflow.Await(ctx, func() bool { return !r.looking })
		return
	}
	r.looking = true
	for {
		asked := r.toLookAt()
		if len(asked) == 0 {
			break
		}
		r.read(ctx, asked)
	}
	r.looking = false
}

func (r *run) toLookAt() []*delivery {
	var asked []*delivery
	for _, d := range r.deliveries {
		if d.look {
			asked = append(asked, d)
		}
	}
	return asked
}

// read asks how deliveries stand.
func (r *run) read(ctx workflow.Context, asked []*delivery) {
	params := activities.FirstAttemptsParams{UID: r.in.UID, EndpointKeys: make([]int64, len(asked))}
	for i, d := range asked {
		params.EndpointKeys[i] = d.endpoint.Key
		d.look, d.seen = false, d.news
	}
	var result activities.FirstAttemptsResult
	insist(ctx, activities.FirstAttemptsName, params, &result)
	for _, o := range result.Endpoints {
		if d := r.byEndpoint[o.EndpointID]; d != nil {
			d.outcome = o
		}
	}
	if result.Gone {
		for _, d := range asked {
			d.outcome.Status, d.outcome.Reason = activities.Expired, webhook.ReasonHeldTooLong
		}
	}
}

// awaitNews parks until a signal concerns the delivery, then has it looked at. News that came while
// its outcome was being asked for count.
func (r *run) awaitNews(ctx workflow.Context, d *delivery) {
	_ = workflow.Await(ctx, func() bool { return d.news != d.seen || d.wish == webhook.WishCancel || d.look })
	if d.wish != webhook.WishCancel {
		d.look = true
	}
}
