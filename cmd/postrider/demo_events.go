package main

import (
	"fmt"

	"github.com/postrider/postrider/internal/client"
)

// demoEvents are a few dozen things that happen in a shop. Each has an ID of the shop's own, which is
// its idempotency key.
func demoEvents() []client.NewEvent {
	customers := []struct{ name, email, city string }{
		{"Ada Okafor", "ada@example.com", "Lagos"},
		{"Björn Lindqvist", "bjorn@example.com", "Göteborg"},
		{"Chen Wei", "chen.wei@example.com", "成都"},
		{"Dolores Vega", "dolores@example.com", "Sevilla"},
		{"Émile Roux", "emile@example.com", "Lyon"},
		{"Fatima Haddad", "fatima@example.com", "Amman"},
		{"Grace Kim", "grace@example.com", "Busan"},
	}
	goods := []struct {
		sku, name string
		cents     int
	}{
		{"TEA-250", "Assam, 250 g", 1290}, {"POT-1L", "Teapot, 1 l", 3450}, {"CUP-2", "Two cups", 1800}, {"TIN-S", "Small tin", 650},
	}
	var events []client.NewEvent
	for round := range 4 {
		for i, c := range customers {
			n, g := 1001+round*len(customers)+i, goods[(round+i)%len(goods)]
			quantity := 1 + (n*7)%4
			add := func(what, typ, format string, args ...any) {
				events = append(events, client.NewEvent{ID: fmt.Sprintf("%s-%d", what, n), Type: typ, Data: fmt.Appendf(nil, format, args...)})
			}
			switch (round + i) % 7 {
			case 0:
				add("signup", "user.signup", `{"user": {"id": %d, "name": %q, "email": %q, "city": %q}, "plan": "free"}`, n, c.name, c.email, c.city)
			case 1, 4:
				add("order", "order.created", `{"order": %d, "customer": %q, "currency": "EUR", "items": [{"sku": %q, "name": %q, "quantity": %d, "unit_price": %d}], "total": %d}`,
					n, c.email, g.sku, g.name, quantity, g.cents, quantity*g.cents)
			case 2, 5:
				add("paid", "invoice.paid", `{"invoice": "INV-%d", "customer": %q, "amount": %d, "currency": "EUR", "method": "card", "card": {"brand": "visa", "last4": "4242"}}`,
					n, c.email, quantity*g.cents)
			case 3:
				add("shipped", "order.shipped", `{"order": %d, "carrier": "DHL", "tracking": "JD0146000%d", "to": {"name": %q, "city": %q}}`, n, n*37, c.name, c.city)
			case 6:
				add("failed", "invoice.payment_failed", `{"invoice": "INV-%d", "customer": %q, "amount": %d, "currency": "EUR", "reason": "insufficient_funds", "try_again": true}`,
					n, c.email, quantity*g.cents)
			}
		}
	}
	return events
}
