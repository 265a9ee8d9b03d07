package api

import (
	"unicode/utf8"

	"github.com/postrider/postrider/webhook"
)

// What identifiers look like, in words.
const (
	eventIDRule   = "must be 1 to 128 of the characters A-Z a-z 0-9 _ -"
	eventTypeRule = "must be 1 to 128 of the characters A-Z a-z 0-9 _ . -"
	tenantRule    = "must be 1 to 64 of the characters a-z 0-9 _ -"
	notAString    = "must be a string"
	twice         = "must not be there twice"
	unknownField  = "is not a field that is known here"
)

// eventInput documents the body that parseEvent reads by hand.
type eventInput struct {
	ID     string `json:"id,omitempty" pattern:"^[A-Za-z0-9_-]{1,128}$" doc:"The event's ID, unique within the tenant, and so the idempotency key: the same ID with the same type and data is accepted once, with other ones it is a conflict. Default: a new one." example:"evt_01jd0y3m8zq5v6w7x8y9z0a1b2"`
	Type   string `json:"type" pattern:"^[A-Za-z0-9_.-]{1,128}$" doc:"What happened." example:"invoice.paid"`
	Data   any    `json:"data" doc:"Any JSON value. Receivers get exactly its bytes, spaces included." example:"{\"invoice\":\"in_1042\",\"amount\":1999}"`
	Tenant string `json:"tenant,omitempty" pattern:"^[a-z0-9_-]{1,64}$" doc:"Whose event it is. Default: the key's tenant; for admin keys the tenant called default." example:"default"`
}

// parseEvent reads one event from the text of a JSON value and names everything that is wrong with
// it. Data is a slice of the text: exactly the bytes that were posted.
//
// It is written by hand because every event passes here: about a microsecond for 1 KiB.
func parseEvent(text []byte) (e webhook.Event, faults []webhook.FieldError) {
	fault := func(field, detail string) {
		faults = append(faults, webhook.FieldError{Field: field, Detail: detail})
	}
	if !isObject(text) {
		fault("body", "must be a JSON object")
		return e, faults
	}
	var seen struct{ id, typ, data, tenant bool }
	first := func(field string, seen *bool) bool {
		if *seen {
			fault(field, twice)
			return false
		}
		*seen = true
		return true
	}
	word := func(field string, seen *bool, value []byte, valid func(string) bool, rule string) string {
		if !first(field, seen) {
			return ""
		}
		if value[0] != '"' {
			fault(field, notAString)
			return ""
		}
		if !utf8.Valid(value) {
			fault(field, notUTF8)
			return ""
		}
		text := unquote(value)
		if !valid(text) {
			fault(field, rule)
		}
		return text
	}
	members(text, func(name string, value []byte) {
		switch name {
		case "id":
			e.ID = word(name, &seen.id, value, webhook.ValidEventID, eventIDRule)
		case "type":
			e.Type = word(name, &seen.typ, value, webhook.ValidEventType, eventTypeRule)
		case "tenant":
			e.Tenant = word(name, &seen.tenant, value, webhook.ValidTenant, tenantRule)
		case "data":
			if !first(name, &seen.data) {
				return
			}
			if e.Data = value; !utf8.Valid(value) {
				fault(name, notUTF8)
			}
		default:
			fault(shownName(name), unknownField)
		}
	})
	if !seen.typ {
		fault("type", "is needed")
	}
	if !seen.data {
		fault("data", "is needed")
	}
	return e, faults
}
