package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postrider/postrider/api"
	"github.com/postrider/postrider/internal/config"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// admitAdmin makes sure that the admin key is in the store. A key that was there before stays valid, for another node
// may still have it: one that is new says which. An error if the key was revoked.
func (n *node) admitAdmin(ctx context.Context) (err error) {
	if n.adminKey, n.madeKey, err = n.dir.AdminKey(string(n.cfg.AdminKey)); err != nil {
		return err
	}
	key := api.KeyOf(n.adminKey, "", "admin", time.Now().UTC())
	err = n.store.CreateAPIKey(ctx, key)
	switch {
	case errors.Is(err, webhook.Conflict):
		return n.knowsAdmin(ctx, key)
	case err != nil:
		return fmt.Errorf("store the admin key: %w", err)
	}
	earlier, err := n.adminKeysBut(ctx, key.ID)
	if err != nil {
		return fmt.Errorf("look for earlier admin keys: %w", err)
	}
	if len(earlier) > 0 {
		n.log.WarnContext(ctx, "earlier admin keys are valid still; DELETE /v1/keys/{id} revokes them", "key_ids", earlier)
	}
	return nil
}

// knowsAdmin is nil if the key, which is in the store, is valid.
func (n *node) knowsAdmin(ctx context.Context, key webhook.APIKey) error {
	_, err := n.store.APIKeyByHash(ctx, key.Hash)
	if errors.Is(err, webhook.NotFound) {
		return fmt.Errorf("the admin key %s… was revoked: set another one in %s, or delete the file admin.key to have one made", key.Prefix, config.AdminKeyVariable)
	}
	return err
}

func (n *node) adminKeysBut(ctx context.Context, id string) (ids []string, err error) {
	q := store.PageQuery{Limit: store.MaxLimit}
	for {
		page, err := n.store.ListAPIKeys(ctx, "", q)
		if err != nil {
			return nil, err
		}
		for _, k := range page.Data {
			if k.Tenant == "" && k.RevokedAt.IsZero() && k.ID != id {
				ids = append(ids, k.ID)
			}
		}
		if !page.HasMore() {
			return ids, nil
		}
		q.Cursor = page.NextCursor
	}
}
