package receiver

import (
	"context"
	"net/http"
	"time"
)

// Answer is how one request is answered. The zero value is 200 at once.
type Answer struct {
	Status     int           // 0: 200
	Delay      time.Duration // between the request's last byte and the answer
	RetryAfter string        // value of the Retry-After header; empty: none
	Header     http.Header   // more headers
	Body       string
	Hang       bool // no answer until the sender or the receiver gives up
	Drop       bool // the connection is closed without an answer
}

// Script says what a request is answered; of the request everything but Answer is known. It is called
// for one request at a time, in the order of Requests, and must not call the receiver.
type Script func(Request) Answer

// Always answers everything alike.
func Always(a Answer) Script { return func(Request) Answer { return a } }

// Sequence gives the first request of each delivery the first answer and so on; once they are used up,
// the last one is given to all.
func Sequence(answers ...Answer) Script {
	return func(q Request) Answer { return answers[min(q.Number, len(answers))-1] }
}

// Statuses is a Sequence of nothing but statuses.
func Statuses(statuses ...int) Script {
	answers := make([]Answer, len(statuses))
	for i, status := range statuses {
		answers[i].Status = status
	}
	return Sequence(answers...)
}

// ByPath chooses a script by the request's path. Other paths are answered 404.
func ByPath(scripts map[string]Script) Script {
	return func(q Request) Answer {
		if script := scripts[q.Path]; script != nil {
			return script(q)
		}
		return Answer{Status: http.StatusNotFound}
	}
}

// ByID chooses a script by the event's ID. Other events are answered by the script others.
func ByID(scripts map[string]Script, others Script) Script {
	return func(q Request) Answer {
		if script := scripts[q.ID]; script != nil {
			return script(q)
		}
		return others(q)
	}
}

func (a Answer) accepts() bool {
	return !a.Hang && !a.Drop && (a.Status == 0 || a.Status >= 200 && a.Status <= 299)
}

// give answers; false when there was no answer to give or nobody to give it to.
func (a Answer) give(ctx context.Context, w http.ResponseWriter) bool {
	var due <-chan time.Time
	if !a.Hang {
		timer := time.NewTimer(a.Delay)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-due:
	case <-ctx.Done():
		drop(w) // else net/http would answer 200
		return false
	}
	if a.Drop {
		drop(w)
		return false
	}
	for name, values := range a.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	if a.RetryAfter != "" {
		w.Header().Set("Retry-After", a.RetryAfter)
	}
	if a.Status != 0 {
		w.WriteHeader(a.Status)
	}
	_, err := w.Write([]byte(a.Body))
	return err == nil || a.Body == ""
}

// drop closes the connection under the request.
func drop(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close() // that is all that was wanted of it
	}
}
