package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/postrider/postrider/webhook"
)

const (
	apiKeyPrefix    = "pr_"
	maxAPIKeyLength = 512
	// keyTTL is how long a key is trusted without asking the store again, and so how long a revoked
	// one may live on other nodes.
	keyTTL         = time.Second
	usedEvery      = time.Minute // how exact the time of a key's last use is
	maxCachedKeys  = 10_000
	shownKeyLength = 10
)

// caller is who makes a request.
type caller struct {
	keyID  string
	tenant string // empty: admin
}

func (c caller) admin() bool { return c.tenant == "" }

// tenantFor is the tenant that the caller acts for: the named one, else the key's own, else the
// default one. Forbidden if it is none of the caller's business.
func (c caller) tenantFor(named string) (string, error) {
	tenant, err := c.tenantFilter(named)
	if tenant == "" && err == nil {
		tenant = webhook.DefaultTenant
	}
	return tenant, err
}

// tenantFilter is like tenantFor, but an admin who names no tenant means all: "".
func (c caller) tenantFilter(named string) (string, error) {
	switch {
	case named != "" && !webhook.ValidTenant(named):
		return "", invalidField("tenant", tenantRule)
	case named != "" && !c.admin() && named != c.tenant:
		return "", webhook.Errorf(webhook.Forbidden, "", "this key is for the tenant %s only", c.tenant)
	case named != "":
		return named, nil
	}
	return c.tenant, nil
}

// authenticate lets requests with a valid key pass.
func (s *server) authenticate(c *gin.Context) {
	key, err := s.keys.find(c.Request.Context(), bearer(c.GetHeader("Authorization")))
	if err != nil {
		s.fail(c, err)
		return
	}
	requestOf(c.Request.Context()).caller = caller{keyID: key.ID, tenant: key.Tenant}
}

// requireAdmin lets requests with an admin key pass. It comes after authenticate.
func (s *server) requireAdmin(c *gin.Context) {
	if !requestOf(c.Request.Context()).caller.admin() {
		s.fail(c, webhook.Errorf(webhook.Forbidden, "", "this needs an admin key"))
	}
}

// bearer is the key of an Authorization header (RFC 6750 §2.1), or empty.
func bearer(header string) string {
	scheme, key, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(key)
}

// NewAPIKey makes a key for a tenant, or an admin key if tenant is empty. The text is what the
// caller authenticates with; only its hash is in the webhook.APIKey.
func NewAPIKey(tenant, name string, now time.Time) (text string, key webhook.APIKey) {
	random := make([]byte, 32)
	rand.Read(random) // never fails
	text = apiKeyPrefix + base64.RawURLEncoding.EncodeToString(random)
	return text, KeyOf(text, tenant, name, now)
}

// KeyOf is the key with the given text, such as one that an operator chose.
func KeyOf(text, tenant, name string, now time.Time) webhook.APIKey {
	return webhook.APIKey{
		ID: webhook.NewID(webhook.APIKeyIDPrefix), Tenant: tenant, Name: name,
		Prefix: text[:min(shownKeyLength, len(text)/4)], Hash: sha256.Sum256([]byte(text)), CreatedAt: now,
	}
}

// keyStore is what a keyCache needs of the store.
type keyStore interface {
	APIKeyByHash(ctx context.Context, hash [32]byte) (webhook.APIKey, error)
	APIKeyUsed(ctx context.Context, id string, at time.Time) error
}

// keyCache finds keys by their text, trusts what it found for keyTTL, and has it noted when they are used. Unknown
// keys are not remembered, so that a new key works at once. It is safe for concurrent use.
type keyCache struct {
	store keyStore
	now   func() time.Time

	mu    sync.RWMutex
	known map[[32]byte]cachedKey
}

type cachedKey struct {
	webhook.APIKey
	until time.Time
}

func newKeyCache(s keyStore, now func() time.Time) *keyCache {
	return &keyCache{store: s, now: now, known: map[[32]byte]cachedKey{}}
}

// find is the key with the given text. Unauthorized if there is none.
func (k *keyCache) find(ctx context.Context, text string) (webhook.APIKey, error) {
	if text == "" {
		return webhook.APIKey{}, webhook.Errorf(webhook.Unauthorized, "", "an API key is needed: Authorization: Bearer <key>")
	}
	if len(text) > maxAPIKeyLength {
		return webhook.APIKey{}, errUnknownKey()
	}
	hash := sha256.Sum256([]byte(text))
	now := k.now()
	k.mu.RLock()
	cached, ok := k.known[hash]
	k.mu.RUnlock()
	if ok && now.Before(cached.until) {
		return cached.APIKey, nil
	}
	key, err := k.store.APIKeyByHash(ctx, hash)
	switch {
	case errors.Is(err, webhook.NotFound):
		return webhook.APIKey{}, errUnknownKey()
	case err != nil:
		return webhook.APIKey{}, retryLater(codeStoreUnavailable, "keys cannot be checked just now", err)
	case subtle.ConstantTimeCompare(key.Hash[:], hash[:]) != 1 || !key.RevokedAt.IsZero():
		return webhook.APIKey{}, errUnknownKey()
	}
	if k.remember(hash, key, now) {
		// Nothing depends on it: should it fail, a minute later is as good.
		_ = k.store.APIKeyUsed(ctx, key.ID, now)
	}
	return key, nil
}

// remember reports whether the key's use is to be noted.
func (k *keyCache) remember(hash [32]byte, key webhook.APIKey, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.known) >= maxCachedKeys {
		clear(k.known)
	}
	if noted := k.known[hash].LastUsedAt; noted.After(key.LastUsedAt) {
		key.LastUsedAt = noted
	}
	note := now.Sub(key.LastUsedAt) >= usedEvery
	if note {
		key.LastUsedAt = now
	}
	k.known[hash] = cachedKey{key, now.Add(keyTTL)}
	return note
}

// forget makes a key that was revoked on this node useless at once.
func (k *keyCache) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.known)
}

func errUnknownKey() error {
	return webhook.Errorf(webhook.Unauthorized, "", "the API key is not valid")
}
