package activities

import (
	"context"
	"errors"

	"github.com/postrider/postrider/webhook"
)

// RecordWishParams is a person's wish for one endpoint, or for all.
type RecordWishParams struct {
	UID        int64        `json:"uid"`
	EndpointID string       `json:"endpoint_id,omitempty"`
	Wish       webhook.Wish `json:"wish"`
}

// RecordWish is a local activity: a wish that reached the workflow by a signal is written to the
// rows before the workflow acts on it, so that every send sees it.
func (a *Activities) RecordWish(ctx context.Context, p RecordWishParams) error {
	err := a.dispatcher.RecordWish(ctx, p.UID, p.EndpointID, p.Wish)
	if err == nil || errors.Is(err, webhook.NotFound) { // deleted by retention: nothing to wish for
		return nil
	}
	return failure("write the wish down", err)
}
