package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/postrider/postrider/internal/client"
	"github.com/postrider/postrider/internal/terminal"
	"github.com/postrider/postrider/internal/testkit/receiver"
	"github.com/postrider/postrider/webhook"
)

// introduce says where everything is.
func (d *demo) introduce() {
	d.out.Printf("\n")
	d.address("API", d.api)
	d.address("API docs", d.api+"/docs")
	d.address("Temporal UI", "http://"+d.node.server.UIAddr()+"/namespaces/default/workflows")
}

func (d *demo) address(name, url string) {
	d.out.Printf("  %-12s %s\n", name, d.out.Paint(terminal.Cyan, url))
}

// conclude shows what became of each delivery, and tells how many were not made.
func (d *demo) conclude(events []client.Event) (undelivered int) {
	table := terminal.NewTable("EVENT", "ENDPOINT", "STATE", "ATTEMPTS", "LATENCY", "ANSWERS")
	all := 0
	for _, e := range events {
		id := e.ID
		for _, delivery := range e.Deliveries {
			all++
			latency := ""
			if delivery.State == webhook.DeliveryDelivered {
				latency = brief(delivery.CompletedAt.Sub(delivery.CreatedAt))
			} else {
				undelivered++
			}
			name := d.names[delivery.EndpointID]
			table.Add(
				terminal.Cell{Text: id, Style: terminal.Bold}, text(name), state(delivery.State), number(delivery.Attempts),
				terminal.Cell{Text: latency, Right: true}, terminal.Cell{Text: d.answers("/"+name, e.ID), Style: terminal.Dim},
			)
			id = "" // said once for each event
		}
	}
	table.Print(d.out)
	d.summarise(all, undelivered, d.receiver.Summary())
	return undelivered
}

// answers are how the receiver answered one delivery's attempts.
func (d *demo) answers(path, id string) string {
	var answers []string
	for _, q := range d.receiver.RequestsOf(id) {
		if q.Path == path {
			answers = append(answers, answerOf(q))
		}
	}
	return strings.Join(answers, " ")
}

func answerOf(q receiver.Request) string {
	switch {
	case q.Answer.Drop:
		return "dropped"
	case q.Answer.Status == 0:
		return "200"
	default:
		return strconv.Itoa(q.Answer.Status)
	}
}

func (d *demo) summarise(all, undelivered int, s receiver.Summary) {
	count := func(n int, what string, bad terminal.Style) string {
		if n == 0 {
			bad = terminal.Green
		}
		return d.out.Paint(bad, fmt.Sprintf("%d %s", n, what))
	}
	verdict := d.out.Paint(terminal.Green, "✔ everything delivered")
	if undelivered > 0 {
		verdict = d.out.Paint(terminal.Red, fmt.Sprintf("✘ %d not delivered", undelivered))
	}
	d.out.Printf("\n%s: %d deliveries, %d requests, %d failed on purpose.\n  The receiver saw %s and %s.\n",
		verdict, all, s.Requests, s.Requests-s.Accepted-s.BadSignatures,
		count(s.Duplicates, "duplicates", terminal.Yellow), count(s.BadSignatures, "bad signatures", terminal.Red))
}

// tryNext prints lines that work as they stand.
func (d *demo) tryNext(logs string) {
	auth := `-H "Authorization: Bearer $KEY"`
	d.out.Printf("\n%s\n\n", d.out.Paint(terminal.Bold, "It stays up. Look around:"))
	d.address("API docs", d.api+"/docs")
	d.address("Temporal UI", "http://"+d.node.server.UIAddr()+"/namespaces/default/workflows")
	d.address("Metrics", d.api+"/metrics")
	d.address("Log", logs)
	d.out.Printf("\n%s\n\n", d.out.Paint(terminal.Bold, "Try next, in another terminal:"))
	for _, line := range []string{
		"API=" + d.api + " KEY=" + d.key,
		`curl -sS $API/v1/events ` + auth + ` -H 'Content-Type: application/json' -d '{"id": "my-first", "type": "invoice.paid", "data": {"amount": 4200}}'`,
		`curl -sS "$API/v1/events/my-first?include=deliveries,workflow" ` + auth,
		`curl -sS "$API/v1/attempts?event_id=my-first" ` + auth,
		os.Args[0] + ` send order.created '{"order": 2001}' --wait --api $API --key $KEY`,
		os.Args[0] + ` deliveries list --limit 10 --api $API --key $KEY`,
	} {
		d.out.Printf("  %s\n", line)
	}
	d.out.Printf("\n%s\n\n", d.out.Paint(terminal.Dim, "What the receiver gets from now on shows here. Ctrl-C ends it and leaves nothing behind."))
}

// watch prints each further request until ctx ends.
func (d *demo) watch(ctx context.Context) {
	seen := len(d.receiver.Requests())
	for d.receiver.Await(ctx, func(s receiver.Summary) bool { return s.Requests > seen }) == nil {
		requests := d.receiver.Requests()
		for _, q := range requests[seen:] {
			style := terminal.Green
			if answer := answerOf(q); !strings.HasPrefix(answer, "2") {
				style = terminal.Yellow
			}
			d.out.Printf("  %s  %-30s  %-9s  attempt %d  %s\n", q.ReceivedAt.Format("15:04:05.000"), terminal.Printable(q.ID),
				strings.TrimPrefix(q.Path, "/"), q.Number, d.out.Paint(style, answerOf(q)))
		}
		seen = len(requests)
	}
}
