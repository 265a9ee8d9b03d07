package webhook_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/webhook"
)

func TestIDsAreValidAndSortByTime(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{
		webhook.EventIDPrefix, webhook.EndpointIDPrefix, webhook.AttemptIDPrefix, webhook.SecretIDPrefix, webhook.APIKeyIDPrefix,
	} {
		ids := make([]string, 1000)
		for i := range ids {
			ids[i] = webhook.NewID(prefix)
			if !strings.HasPrefix(ids[i], prefix) || !webhook.ValidEventID(ids[i]) || ids[i] != strings.ToLower(ids[i]) {
				t.Fatalf("%q is no ID", ids[i])
			}
		}
		if !slices.IsSorted(ids) || len(slices.Compact(ids)) != 1000 {
			t.Errorf("IDs with %s do not sort or are not unique", prefix)
		}
	}
}

func TestValidNames(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text                    string
		eventID, tenant, typ, pattern bool
	}{
		{"nothing", "", false, false, false, false},
		{"lower case", "acme", true, true, true, true},
		{"upper case", "Acme", true, false, true, true},
		{"digits, hyphen and underscore", "a-b_9", true, true, true, true},
		{"a full stop", "invoice.paid", false, false, true, true},
		{"a slash", "a/b", false, false, false, false},
		{"a space", "a b", false, false, false, false},
		{"a line end", "acme\n", false, false, false, false},
		{"a zero byte", "a\x00", false, false, false, false},
		{"a letter beyond ASCII", "zoë", false, false, false, false},
		{"64 characters", strings.Repeat("a", 64), true, true, true, true},
		{"65 characters", strings.Repeat("a", 65), true, false, true, true},
		{"128 characters", strings.Repeat("a", 128), true, false, true, true},
		{"129 characters", strings.Repeat("a", 129), false, false, false, false},
		{"an asterisk", "*", false, false, false, true},
		{"all below a prefix", "invoice.*", false, false, false, true},
		{"all below nothing", ".*", false, false, false, false},
		{"an asterisk without a full stop", "invoice*", false, false, false, false},
		{"an asterisk in the middle", "invoice.*.paid", false, false, false, false},
		{"two asterisks", "invoice.*.*", false, false, false, false},
		{"an asterisk in front", "*.paid", false, false, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := webhook.ValidEventID(tt.text); got != tt.eventID {
				t.Errorf("as an event ID: %t", got)
			}
			if got := webhook.ValidTenant(tt.text); got != tt.tenant {
				t.Errorf("as a tenant: %t", got)
			}
			if got := webhook.ValidEventType(tt.text); got != tt.typ {
				t.Errorf("as an event type: %t", got)
			}
			if got := webhook.ValidEventTypePattern(tt.text); got != tt.pattern {
				t.Errorf("as a pattern: %t", got)
			}
		})
	}
}

func TestMatchEventType(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		patterns  []string
		eventType string
		want      bool
	}{
		{"no pattern matches nothing", nil, "invoice.paid", false},
		{"the asterisk matches all", []string{"*"}, "invoice.paid", true},
		{"a type matches itself", []string{"invoice.paid"}, "invoice.paid", true},
		{"a type matches no other", []string{"invoice.paid"}, "invoice.paid.late", false},
		{"case counts", []string{"invoice.paid"}, "Invoice.paid", false},
		{"a prefix matches what is below it", []string{"invoice.*"}, "invoice.paid", true},
		{"a prefix matches at any depth", []string{"invoice.*"}, "invoice.paid.late", true},
		{"a prefix does not match itself", []string{"invoice.*"}, "invoice", false},
		{"a prefix does not match itself with a full stop", []string{"invoice.*"}, "invoice.", false},
		{"a prefix ends at the full stop", []string{"invoice.*"}, "invoices.paid", false},
		{"an asterisk without a full stop is no prefix", []string{"invoice*"}, "invoice.paid", false},
		{"one of several is enough", []string{"user.created", "invoice.*"}, "invoice.paid", true},
		{"none of several", []string{"user.created", "order.*"}, "invoice.paid", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := webhook.MatchEventType(tt.patterns, tt.eventType); got != tt.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestFingerprintsTellEventsApart(t *testing.T) {
	t.Parallel()
	base := webhook.FingerprintOf("invoice.paid", []byte(`{"a":1}`))
	if base != webhook.FingerprintOf("invoice.paid", []byte(`{"a":1}`)) {
		t.Error("the same event has two fingerprints")
	}
	for name, other := range map[string]webhook.Fingerprint{
		"another type":             webhook.FingerprintOf("invoice.sent", []byte(`{"a":1}`)),
		"white space in the data":  webhook.FingerprintOf("invoice.paid", []byte(`{"a": 1}`)),
		"no data":                  webhook.FingerprintOf("invoice.paid", nil),
		"a byte moved to the type": webhook.FingerprintOf("invoice.paid{", []byte(`"a":1}`)),
	} {
		if other == base {
			t.Errorf("%s makes no difference", name)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(1, 40, -1).Draw(t, "text")
		i, j := rapid.IntRange(0, len(text)).Draw(t, "i"), rapid.IntRange(0, len(text)).Draw(t, "j")
		same := webhook.FingerprintOf(text[:i], []byte(text[i:])) == webhook.FingerprintOf(text[:j], []byte(text[j:]))
		if same != (i == j) {
			t.Fatalf("%q cut at %d and at %d", text, i, j)
		}
	})
}

func TestWorkflowIDs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ tenant, want string }{{"", "evt_1"}, {"default", "evt_1"}, {"acme", "acme/evt_1"}} {
		if got := (webhook.Event{Tenant: tt.tenant, ID: "evt_1"}).WorkflowID(); got != tt.want {
			t.Errorf("tenant %q: got %s, want %s", tt.tenant, got, tt.want)
		}
	}
}
