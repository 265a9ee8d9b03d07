package api

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// recoverAtOnce is how many wishes of one request are written at once: they share commits.
const recoverAtOnce = 32

type recoverInput struct {
	EndpointPath
	PageInput
	CreatedInput
	State string `query:"state" enum:"exhausted,expired,cancelled" default:"exhausted" doc:"Those in this state."`
}

func (s *server) recoverEndpoint(ctx context.Context, in *recoverInput) (*listOutput[deliveryView], error) {
	endpoint, err := s.findEndpoint(ctx, in.Tenant, in.ID)
	if err != nil {
		return nil, err
	}
	page, err := s.Store.ListDeliveries(ctx, store.DeliveryQuery{
		PageQuery: in.query(), Tenant: endpoint.Tenant, EndpointKey: endpoint.Key, State: webhook.DeliveryState(in.State), CreatedAt: in.within(),
	})
	if err != nil {
		return nil, fmt.Errorf("list what endpoint %s did not take: %w", in.ID, err)
	}
	if page.Data, err = s.retryEach(ctx, page.Data); err != nil {
		return nil, fmt.Errorf("recover endpoint %s: %w", in.ID, err)
	}
	return viewPage(page, viewDelivery), nil
}

// retryEach asks for a retry of each delivery, and returns them as they stand then, without those that moved on meanwhile.
func (s *server) retryEach(ctx context.Context, deliveries []webhook.Delivery) ([]webhook.Delivery, error) {
	retried := make([][]webhook.Delivery, len(deliveries))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(recoverAtOnce)
	for i, d := range deliveries {
		group.Go(func() error {
			_, rows, err := s.Intake.Wish(ctx, store.WishRequest{
				Tenant: d.Tenant, EventID: d.EventID, EndpointIDs: []string{d.EndpointID}, Wish: webhook.WishRetry, Now: s.Now(),
			})
			if errors.Is(err, webhook.Conflict) || errors.Is(err, webhook.NotFound) {
				return nil
			}
			retried[i] = rows
			return err
		})
	}
	err := group.Wait()
	return slices.Concat(retried...), err
}
